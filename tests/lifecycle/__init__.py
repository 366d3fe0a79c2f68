"""What becomes of a shop when a plugin that it has used is no longer there, or not wanted."""
