"""External predictions: those that others made, read from a file, scored as runs are, and kept as rows of the table."""
