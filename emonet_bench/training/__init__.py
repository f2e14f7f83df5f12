"""Training: the loop and its parts, prediction, checkpoints, and models that are fitted instead."""
