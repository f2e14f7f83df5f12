"""Runs on disk: what a run is, its record, its files and the directory of results."""
