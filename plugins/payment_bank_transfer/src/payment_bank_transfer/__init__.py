"""Pay by bank transfer: instructions out, a bank's statement in."""
