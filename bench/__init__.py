"""Measurements, side by side in one process; no test asserts a time."""
