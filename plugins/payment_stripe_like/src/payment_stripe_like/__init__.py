"""Card payments through Stripe, or any server that speaks its protocol."""
