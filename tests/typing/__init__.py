"""What plugin authors write, read by type checkers against the installed wheel."""
