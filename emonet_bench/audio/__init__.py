"""Audio files: reading one, and a corpus's audio kept as one file."""

from emonet_bench.audio.decoding import decoded, digest, read, resampled, seconds
from emonet_bench.audio.sample_cache import AudioStore, fingerprint, open_store

__all__ = ["AudioStore", "decoded", "digest", "fingerprint", "open_store", "read", "resampled", "seconds"]
