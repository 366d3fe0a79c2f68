"""Messages to customers, dressed as e-mail."""
