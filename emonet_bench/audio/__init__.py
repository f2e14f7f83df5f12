"""Audio files: reading one, and a corpus's audio kept as one file."""

from emonet_bench.audio.reading import read, resampled, seconds
from emonet_bench.audio.store import AudioStore, open_store

__all__ = ["AudioStore", "open_store", "read", "resampled", "seconds"]
