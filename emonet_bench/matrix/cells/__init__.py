"""Cells: what one run of a matrix does, from its job to its committed directory."""
