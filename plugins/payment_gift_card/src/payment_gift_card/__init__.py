"""Pay with gift cards, from a ledger of its own."""
