"""The tests of the core; each plugin brings its own."""
