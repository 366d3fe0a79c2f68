"""For tests of the core and of plugins: registries of one's own, and fakes with an outside ledger."""
