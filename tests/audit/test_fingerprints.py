import numpy as np
from emonet_corpora.voice import RATE

from emonet_bench.audit import fingerprints
from tests.audit.planted import sound


def test_fingerprints_of_different_sounds_differ_in_nearly_half_of_their_bits():
    prints = [fingerprints.fingerprint(sound(seed).astype(np.float32), RATE) for seed in range(30)]
    assert fingerprints.same(prints) == {}
    rates = [np.unpackbits((prints[i] ^ prints[j]).view(np.uint8)).mean() for i in range(30) for j in range(i)]
    assert 0.4 < np.mean(rates) < 0.55
    assert min(rates) > 2 * fingerprints.MOST_ERRORS


def test_a_clip_too_short_to_tell_is_no_duplicate():
    short = [fingerprints.fingerprint(sound(1, 0.05).astype(np.float32), RATE) for _ in range(2)]
    empty = fingerprints.fingerprint(np.ones(1, np.float32), RATE)
    assert fingerprints.same([*short, empty]) == {}
    assert len(empty) <= 1
