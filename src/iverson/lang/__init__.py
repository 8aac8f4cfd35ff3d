"""Notations: text to Surface and back, kinds and sizes, Surface to nodes."""
