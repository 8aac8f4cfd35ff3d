"""Rules, patterns, recorded steps, and the algebra of brackets.  Knows no operator by name."""
