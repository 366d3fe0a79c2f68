"""The schema, in linear steps."""
