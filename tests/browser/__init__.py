"""What a person sees and presses, in a real browser."""
