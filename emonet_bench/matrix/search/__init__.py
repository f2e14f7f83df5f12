"""Hyper-parameter search: the trials of a matrix that tunes its rows on dev, and the choice among them."""
