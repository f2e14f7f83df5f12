"""Losses, metrics, optimisers, augmentations, report formats and executors that come with emonet-bench."""
