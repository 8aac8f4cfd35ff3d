"""Tables and nothing else: one row is one fact, written in the user's notation."""
