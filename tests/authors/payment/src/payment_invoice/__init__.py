"""Pay by invoice, within some days."""
