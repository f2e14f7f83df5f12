"""Sources of audio: functions give samples or files, and what they are known by changes when their audio does."""

import os

import numpy as np
import pytest

from emonet_bench.audio import open_store, seconds
from emonet_bench.audio.excerpts import decoded
from emonet_bench.audio.sources import Samples, provided, state
from emonet_bench.errors import AudioError, ConfigError
from emonet_bench.types import ArchiveMember, LazyAudio, Utterance
from tests.audio.made import encoded, sound
from tests.audio.test_archives import zipped

RATE = 16_000
STEREO = np.stack([sound(0.5), 0.5 * sound(0.5, seed=1)], 1)


def lazy(told, identity="set@1/0"):
    return LazyAudio(identity, lambda: told)


def test_a_function_gives_a_file_or_samples_and_both_are_heard_alike():
    content = encoded(STEREO, subtype="FLOAT")
    expected, _ = decoded(lazy(content), 0, None)
    np.testing.assert_allclose(expected, STEREO.mean(1), atol=1e-7)
    for samples in (STEREO, STEREO.astype(np.float64), (STEREO * 2**31).astype(np.int32)):
        heard, rate = decoded(lazy((samples, RATE)), 0, None)
        np.testing.assert_allclose(heard, expected, atol=1e-6)
        assert rate == RATE
    part, _ = decoded(lazy((STEREO, RATE)), 0.1, 0.3)
    np.testing.assert_allclose(part, expected[1_600:4_800], atol=1e-7)
    for told in (content, (STEREO, RATE)):
        assert seconds(Utterance("a", lazy(told), "joy", end=0.4)) == pytest.approx(0.4)


def fails():
    raise OSError("the shard\nis gone")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (LazyAudio("set/0", fails), "its load raised OSError: the shard is gone"),
        (lazy(None), "its load returned NoneType; return (samples, sampling_rate), or bytes"),
        (lazy((np.zeros((2, 2, 2)), RATE)), "its load returned float64 (2, 2, 2) at 16000"),
        (lazy((["a"], RATE)), "its load returned <U1 (1,)"),
        (lazy((np.zeros(8), "fast")), "'fast' is no rate"),
        (lazy((np.zeros((2, 8)), RATE)), "returned (2, 8), more channels than samples; return (S, channels)"),
        (lazy((np.zeros(8), 10)), "has 10 samples per second"),
        (lazy((np.zeros(0), RATE)), "zero-length"),
        (lazy((np.full(800, np.nan), RATE)), "NaN"),
        (lazy((np.full(800, 1000.0), RATE)), "must lie in [-1, 1]"),
        (lazy((np.stack([sound(1), -sound(1)], 1), RATE)), "cancel each other"),
        (lazy((sound(1), RATE)), "too short: lasts 1.000 s"),
        (lambda: None, "wrap it: emonet_bench.types.LazyAudio"),
    ],
)
def test_what_a_function_gives_is_held_to_what_files_are_held_to(source, message):
    with pytest.raises(AudioError) as caught:
        decoded(source, 0, 3 if "too short" in message else None)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_source_is_provided_as_it_is():
    with provided(lazy((STEREO, RATE))) as given:
        assert isinstance(given, Samples)
        assert given.values.dtype == np.float32


def test_what_is_known_of_a_source_changes_with_its_audio_and_with_nothing_else(tmp_path):
    archive = zipped(tmp_path / "a.zip")
    members = [ArchiveMember(archive, f"clips/{seed}.wav") for seed in range(2)]
    first = [*map(state, members), state(lazy(None)), state(lazy(None, "set@2/0"))]
    assert len(set(first)) == 4
    assert [*map(state, members), state(lazy(b"")), state(lazy(b"", "set@2/0"))] == first
    os.utime(archive, (0, 0))
    assert not {*map(state, members)} & {*first}


def test_a_store_of_archives_and_functions_is_that_of_the_files_and_is_built_once(tmp_path):
    content = {f"{seed}.wav": encoded(sound(0.3, seed=seed)) for seed in range(3)}
    asked = []

    def load(name):
        asked.append(name)
        return content[name]

    for name, each in content.items():
        (tmp_path / name).write_bytes(each)
    archive = zipped(tmp_path / "a.zip", content)
    ways = {
        "files": {name: tmp_path / name for name in content},
        "members": {name: ArchiveMember(archive, name) for name in content},
        "functions": {name: LazyAudio(f"set@1/{name}", lambda name=name: load(name)) for name in content},
    }
    stores = [
        open_store(way, [Utterance(name, file, "joy") for name, file in files.items()], RATE, tmp_path / "cache")
        for way, files in ways.items()
    ]
    assert len({store.fingerprint for store in stores}) == 1
    assert len({store.path.read_bytes() for store in stores}) == 1
    open_store(
        "functions", [Utterance(name, ways["functions"][name], "joy") for name in content], RATE, tmp_path / "cache"
    )
    assert sorted(asked) == sorted(content)


def test_bad_audio_is_listed_by_archive_and_member_and_by_identity(tmp_path):
    archive = zipped(tmp_path / "a.zip", {"a.wav": b"no audio"})
    clips = [Utterance("a", ArchiveMember(archive, "a.wav"), "joy"), Utterance("b", LazyAudio("set@1/7", fails), "joy")]
    with pytest.raises(AudioError) as caught:
        open_store("toys", clips, RATE, tmp_path / "cache")
    line = str(caught.value)
    assert line.startswith("2 bad audio files")
    assert f": zip://a.wav::{archive}: not audio that libsndfile can read, or damaged; set@1/7: its load raised" in line


def test_an_identity_is_a_line():
    for odd in ("", "  ", "a\nb"):
        with pytest.raises(ConfigError, match="names nothing"):
            LazyAudio(odd, fails)
    assert LazyAudio("a", fails) == LazyAudio("a", len) != LazyAudio("b", fails)
