"""Programs of definitions to code.  The generated text is ours alone: names are mangled, no user text runs."""
