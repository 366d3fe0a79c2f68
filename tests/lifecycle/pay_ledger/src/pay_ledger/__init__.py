"""Three ways to pay whose provider is a file."""
