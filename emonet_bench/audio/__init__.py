"""Audio files: reading one, and a corpus's audio kept as one file."""

from emonet_bench.audio.decoding import decoded, digest, resampled, seconds
from emonet_bench.audio.reading import read
from emonet_bench.audio.sample_cache import AudioStore, cache_errors, fingerprint, open_store
from emonet_bench.audio.store_files import damaged_stores

__all__ = [
    "AudioStore",
    "cache_errors",
    "damaged_stores",
    "decoded",
    "digest",
    "fingerprint",
    "open_store",
    "read",
    "resampled",
    "seconds",
]
