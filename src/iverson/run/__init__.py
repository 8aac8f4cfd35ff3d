"""Training: data from files, a fit of the parameters, models on disk, predictions."""
