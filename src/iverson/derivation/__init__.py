"""Gradients by reverse mode over definitions, index calculus inside them, and the way back to matrices."""
