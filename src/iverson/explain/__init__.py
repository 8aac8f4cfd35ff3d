"""The recorded trace as a derivation that a student can follow.  Says only what the engine recorded."""
