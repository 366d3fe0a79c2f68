"""The shell: settings and command line."""
