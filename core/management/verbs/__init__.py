"""The verbs of `manage.py plugins`, a module per group; `commands/plugins.py` lists them."""
