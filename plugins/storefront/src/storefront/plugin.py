"""Answer no hook: this plugin is pages, named in `plugin.toml`."""
