"""Issue cards."""
