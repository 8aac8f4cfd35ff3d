"""Whole notes: where their formulas and code stand, what they claim, and whether it holds."""
