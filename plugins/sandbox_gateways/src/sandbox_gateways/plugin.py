"""Answers no hook: the gateways run as a process of their own, `python -m sandbox_gateways`."""
