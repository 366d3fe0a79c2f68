"""The laws of the house, which check themselves."""
