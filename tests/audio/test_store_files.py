"""What a store of samples says is believed only where it is what was written."""

import hashlib
import json
import zlib

import numpy as np
import pytest

from emonet_bench.audio import store_files
from emonet_bench.audio.store_files import SAMPLES, damaged_clips, damaged_stores, empty

CLIPS = [np.arange(1, size, dtype=np.int16) for size in (5, 1, 9)]  # the second one was left out


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "audio" / "demo"
    made.mkdir(parents=True)
    (made / SAMPLES).write_bytes(b"".join(clip.tobytes() for clip in CLIPS))
    index = empty(3)._replace(bad={1: "empty: zero bytes"})
    for place, clip in enumerate(CLIPS):
        index.lengths[place] = len(clip)
        index.digests[place] = np.frombuffer(hashlib.sha256(clip.tobytes()).digest(), np.uint8)
        index.checksums[place] = zlib.crc32(clip.tobytes())
    store_files.save(index, made)
    return made


def test_an_index_is_read_as_it_was_written(folder):
    index = store_files.load(folder)
    assert index.lengths.tolist() == [4, 0, 8]
    assert index.starts.tolist() == [0, 4, 4]
    assert bytes(index.digests[2]) == hashlib.sha256(CLIPS[2].tobytes()).digest()
    assert index.bad == {1: "empty: zero bytes"}


def test_a_store_before_its_first_clip_holds_nothing():
    index = empty(2)
    assert (index.lengths.sum(), index.starts.tolist(), index.bad) == (0, [0, 0], {})
    assert index.digests.shape == (2, 32)


def test_an_index_whose_samples_are_not_as_many_is_none(folder):
    with (folder / SAMPLES).open("ab") as stream:
        stream.write(b"\0\0")
    assert store_files.load(folder) is None


@pytest.mark.parametrize("content", [[], {}, {"samples": 24, "bad": {}, "arrays": []}, {"arrays": {"../../x": ""}}])
def test_an_index_of_something_else_is_none_and_leads_nowhere(folder, content):
    text = json.dumps(content, sort_keys=True).encode()
    told = {"content": content, "hash": hashlib.blake2b(text, digest_size=16).hexdigest()}
    (folder / "index.json").write_text(json.dumps(told))
    assert store_files.load(folder) is None


def test_clips_are_damaged_where_their_samples_are_others(folder):
    index = store_files.load(folder)
    asked = index.starts, index.lengths, index.checksums
    assert damaged_clips(folder / SAMPLES, *asked) == ()
    content = bytearray((folder / SAMPLES).read_bytes())
    content[-1] ^= 1
    (folder / SAMPLES).write_bytes(content)
    assert damaged_clips(folder / SAMPLES, *asked) == (2,)
    (folder / SAMPLES).unlink()
    assert damaged_clips(folder / SAMPLES, *asked) == (0, 1, 2)


def test_damaged_stores_are_found_in_a_cache(folder):
    cache = folder.parents[1]
    assert list(damaged_stores(cache)) == []
    (folder / "lengths.npy").write_bytes(b"")
    assert list(damaged_stores(cache)) == [folder]
    assert list(damaged_stores(cache / "nowhere")) == []
