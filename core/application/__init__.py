"""What the house can do: one use case a file, one public function of the same name."""
