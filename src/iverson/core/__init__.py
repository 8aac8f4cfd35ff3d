"""The types everything else speaks of: errors, nodes of the index calculus, programs of definitions."""
