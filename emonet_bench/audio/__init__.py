"""Audio files: reading one, and a corpus's audio kept as one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emonet_bench.lazy_names import lazy_names

if TYPE_CHECKING:
    from emonet_bench.audio.decoding import resampled
    from emonet_bench.audio.excerpts import decoded, digest, seconds
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

_MODULES = {
    "AudioStore": "sample_cache",
    "cache_errors": "sample_cache",
    "damaged_stores": "store_files",
    "decoded": "excerpts",
    "digest": "excerpts",
    "fingerprint": "sample_cache",
    "open_store": "sample_cache",
    "read": "reading",
    "resampled": "decoding",
    "seconds": "excerpts",
}

# Lazy, so that prediction reads files without what keeps a corpus's.
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
