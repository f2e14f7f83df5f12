"""Frozen features: what the frozen part of a network makes of each clip, kept in the feature store."""
