"""What the core needs of the machines around it: caches, tokens, outgoing calls."""
