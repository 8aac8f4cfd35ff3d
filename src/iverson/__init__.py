"""iverson: from a loss as it stands on paper to its verified gradient, derivation, code and trained model."""
