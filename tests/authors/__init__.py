"""The packages that the documents for authors consist of."""
