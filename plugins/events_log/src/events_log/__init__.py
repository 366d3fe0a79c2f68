"""One JSON line in a file for everything that a shop tells."""
