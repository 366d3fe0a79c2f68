"""Payments that a buyer approves on the provider's page and we capture: PayPal Orders v2."""
