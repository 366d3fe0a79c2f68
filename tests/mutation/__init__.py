"""How well the tests of money notice a change: `make mutation`, and what may survive it."""
