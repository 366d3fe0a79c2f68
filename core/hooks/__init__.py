"""Plugins found, loaded, verified and asked: the only code of the core that touches pluggy."""
