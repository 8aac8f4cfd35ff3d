"""Judging a gradient that somebody derived by hand."""
