"""Second derivatives as matrices with a structure, and products with them, over arrays."""
