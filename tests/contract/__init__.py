"""The payment contract suite: run against every way to pay, and against faults that were planted."""
