import multiprocessing
import os
import shutil
import signal
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import soxr

from emonet_bench.audio import damaged_stores, open_store, read, seconds, store_files
from emonet_bench.errors import AudioError, StoreError
from emonet_bench.types import Utterance

RATE = 16_000


def tone(seconds=0.5, rate=RATE, frequency=440.0):
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def write(path, samples=None, rate=RATE, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(rate=rate) if samples is None else samples, rate, **options)
    return path


def utterance(path, **fields):
    return Utterance(path.stem, path, "anger", speaker="a", **fields)


def clip(store, index):
    samples = np.fromfile(store.path, np.int16)
    return samples[store.starts[index] :][: store.lengths[index]]


def test_16_bit_audio_at_the_rate_is_kept_to_the_last_bit(tmp_path):
    source = np.random.default_rng(0).integers(-32768, 32768, (3, 4000), dtype=np.int16)
    utterances = [utterance(write(tmp_path / f"{n}.flac", samples)) for n, samples in enumerate(source)]
    store = open_store("demo", utterances, RATE, tmp_path)
    assert store.starts.tolist() == [0, 4000, 8000]
    for n, samples in enumerate(source):
        np.testing.assert_array_equal(clip(store, n), samples)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_every_format_is_read(tmp_path, suffix):
    read_back = read(write(tmp_path / f"a.{suffix}", rate=44_100), RATE)
    assert abs(len(read_back) - RATE // 2) < RATE * 0.05  # mp3 pads
    spectrum = np.abs(np.fft.rfft(read_back))
    assert abs(np.argmax(spectrum) * RATE / len(read_back) - 440) < 4


def test_channels_are_averaged_and_the_rate_is_converted_by_soxr(tmp_path):
    stereo = np.stack([tone(rate=44_100), 0.2 * tone(rate=44_100, frequency=1000)], axis=1)
    path = write(tmp_path / "a.wav", stereo, 44_100, subtype="FLOAT")
    expected = soxr.resample(stereo.astype(np.float32).mean(axis=1), 44_100, RATE, quality="HQ")
    np.testing.assert_allclose(read(path, RATE), expected, atol=1e-7)
    store = open_store("demo", [utterance(path)], RATE, tmp_path)
    np.testing.assert_array_equal(clip(store, 0), np.rint(expected * 32768).astype(np.int16))


def test_float_audio_over_full_scale_is_limited_not_wrapped(tmp_path):
    path = write(tmp_path / "a.wav", np.array([1.5, -1.5, 0.25]), subtype="FLOAT")
    store = open_store("demo", [utterance(path)], RATE, tmp_path)
    assert clip(store, 0).tolist() == [32767, -32768, 8192]


def test_an_utterance_is_a_stretch_of_its_file(tmp_path):
    samples = np.arange(1, RATE + 1, dtype=np.int16)
    path = write(tmp_path / "session.wav", samples)
    utterances = [utterance(path, start=0.25, end=0.5), utterance(path, start=0.75), utterance(path, end=1.01)]
    store = open_store("demo", utterances, RATE, tmp_path)
    np.testing.assert_array_equal(clip(store, 0), samples[4000:8000])
    np.testing.assert_array_equal(clip(store, 1), samples[12000:])
    np.testing.assert_array_equal(clip(store, 2), samples)


def header_says_more(path):
    write(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


BAD = {
    "missing.wav": (lambda path: None, "no such file"),
    "folder.wav": (lambda path: path.mkdir(), "is a directory"),
    "empty.wav": (lambda path: path.touch(), "zero bytes"),
    "text.wav": (lambda path: path.write_text("file,label\n" * 99), "not audio"),
    "headerless.raw": (lambda path: path.write_bytes(b"\1\2" * 99), "not audio"),
    "truncated.wav": (header_says_more, "truncated"),
    "truncated.aiff": (header_says_more, "truncated"),
    "truncated.flac": (header_says_more, "truncated|damaged"),
    "nan.wav": (lambda path: write(path, np.array([0.1, np.nan]), subtype="FLOAT"), "NaN"),
    "silent.wav": (lambda path: write(path, np.zeros(800)), "silent"),
    "one-sample.wav": (lambda path: write(path, np.ones(1), 192_000), "too short"),
    "no-samples.wav": (lambda path: write(path, np.zeros(0)), "no samples"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_line_that_names_it(tmp_path, name):
    make, reason = BAD[name]
    make(tmp_path / name)
    if name != "silent.wav":  # silence is fit to be heard, though not to be trained on
        with pytest.raises(AudioError, match=reason) as caught:
            read(tmp_path / name, RATE)
        assert str(caught.value).startswith(f"{tmp_path / name}: ")
        assert "\n" not in str(caught.value)
    with pytest.raises(AudioError, match=reason):
        open_store("demo", [utterance(tmp_path / name)], RATE, tmp_path)


def test_bad_files_are_listed_in_one_line_and_good_ones_are_not(tmp_path):
    for name, (make, _) in BAD.items():
        make(tmp_path / name)
    good = write(tmp_path / "good.wav")
    utterances = [utterance(tmp_path / name) for name in BAD] + [utterance(good)]
    with pytest.raises(AudioError) as caught:
        open_store("demo", utterances, RATE, tmp_path)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{len(BAD)} bad audio files (of {len(utterances)} clips); replace them")
    assert "--skip-bad-files" in line
    assert [name for name in BAD if f"{name}: " in line] == list(BAD)
    assert "good.wav" not in line


def test_of_very_many_bad_files_the_first_are_named(tmp_path):
    for number in range(30):
        (tmp_path / f"{number:02}.wav").touch()
    with pytest.raises(AudioError, match=r"^30 bad audio files .*/19\.wav: empty: zero bytes; and 10 more$"):
        open_store("demo", [utterance(tmp_path / f"{number:02}.wav") for number in range(30)], RATE, tmp_path)


def test_bad_files_may_be_left_out_and_are_named(tmp_path):
    (tmp_path / "empty.wav").touch()
    utterances = [utterance(write(tmp_path / f"{n}.wav", tone(frequency=n))) for n in (300, 400)]
    utterances.insert(1, utterance(tmp_path / "empty.wav"))
    for _ in range(2):  # built, then opened again
        store = open_store("demo", utterances, RATE, tmp_path, skip_bad=True)
        assert store.lengths.tolist() == [8000, 0, 8000]
        assert store.starts.tolist() == [0, 8000, 8000]
        assert store.bad == {"empty": "empty: zero bytes"}
        with pytest.raises(AudioError, match="1 bad audio file"):
            open_store("demo", utterances, RATE, tmp_path)
    assert store.fingerprint == open_store("demo", [utterances[0], utterances[2]], RATE, tmp_path).fingerprint


def test_a_corpus_of_bad_files_alone_is_an_error(tmp_path):
    with pytest.raises(AudioError, match="1 bad audio file"):
        open_store("demo", [utterance(tmp_path / "nowhere.wav")], RATE, tmp_path, skip_bad=True)


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names are Unicode there")
def test_a_name_that_is_not_unicode_is_read(tmp_path):
    path = write(tmp_path / "a.wav").rename(tmp_path / os.fsdecode(b"b2_\xe9.wav"))
    assert len(read(path, RATE)) == RATE // 2
    assert seconds(utterance(path)) == 0.5


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [RATE, 48_000])
def test_what_overflows_on_the_way_is_one_line(tmp_path, channels, rate):
    loud = 3e38 * np.sign(np.random.default_rng(0).standard_normal((rate, 1))).repeat(channels, axis=1)
    path = write(tmp_path / "a.wav", loud, rate, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"a\.wav: (holds .*far too large|its floats reach 3e\+38, but must lie)"):
        read(path, RATE)


def test_an_unreadable_file_is_named(tmp_path, monkeypatch):
    path = write(tmp_path / "a.wav")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # the superuser may read everything
    with pytest.raises(AudioError, match="permission denied"):
        read(path, RATE)


def test_an_utterance_past_the_end_of_its_file_is_an_error(tmp_path):
    path = write(tmp_path / "a.wav")
    with pytest.raises(AudioError, match=r"lasts 0\.500 s, the utterance 0\.2 to 0\.9 s"):
        open_store("demo", [utterance(path, start=0.2, end=0.9)], RATE, tmp_path)
    with pytest.raises(AudioError, match="no samples"):
        open_store("demo", [utterance(path, start=0.2, end=0.2)], RATE, tmp_path)


def test_wav_from_a_pipe_with_an_unknown_size_is_read(tmp_path):
    path = write(tmp_path / "a.wav")
    content = bytearray(path.read_bytes())
    content[40:44] = b"\xff" * 4
    path.write_bytes(content)
    assert len(read(path, RATE)) == RATE // 2


def test_the_fingerprint_knows_content_and_labels_but_no_place_format_or_rate(tmp_path):
    noise = np.random.default_rng(0).integers(-9000, 9000, (2, 4000), dtype=np.int16)
    here = [utterance(write(tmp_path / f"here/{n}.wav", noise[n], 22_050)) for n in range(2)]
    there = [utterance(write(tmp_path / f"there/sub/{n}.flac", noise[n], 22_050)) for n in (1, 0)]
    other = [here[0], utterance(write(tmp_path / "other/1.wav", noise[1][::-1], 22_050))]
    relabelled = [here[0], replace(here[1], label="neutral")]
    same = [open_store("demo", us, rate, tmp_path).fingerprint for us in (here, there) for rate in (8000, RATE)]
    assert len(set(same)) == 1
    assert len({same[0], *(open_store("demo", us, RATE, tmp_path).fingerprint for us in (other, relabelled))}) == 3


def test_a_second_opening_reads_no_audio_and_a_changed_file_is_read_again(tmp_path):
    path = write(tmp_path / "a.wav")
    utterances = [utterance(path)]
    calls = []
    first = open_store("demo", utterances, RATE, tmp_path, lambda *done: calls.append(done))
    again = open_store("demo", utterances, RATE, tmp_path, lambda *done: calls.append(done))
    assert calls == [(1, 1)]
    assert again.path == first.path
    write(path, tone(frequency=880))
    os.utime(path, ns=(1, 1))
    changed = open_store("demo", utterances, RATE, tmp_path, lambda *done: calls.append(done))
    assert len(calls) == 2
    assert changed.fingerprint != first.fingerprint


def damaged(tmp_path):
    """A store of five clips, and each way to damage it."""
    noise = np.random.default_rng(0).integers(-9000, 9000, (5, 400), dtype=np.int16)
    return [utterance(write(tmp_path / f"{n}.wav", noise[n])) for n in range(5)]


def flip(path, place=-1):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "half of the samples are random": lambda folder: (folder / "samples.int16").write_bytes(
        (folder / "samples.int16").read_bytes()[:2000] + bytes(range(250)) * 8
    ),
    "one bit of the samples": lambda folder: flip(folder / "samples.int16"),
    "samples cut": lambda folder: (folder / "samples.int16").write_bytes(b"1" * 100),
    "samples gone": lambda folder: (folder / "samples.int16").unlink(),
    "one bit of the lengths": lambda folder: flip(folder / "lengths.npy"),
    "empty lengths": lambda folder: (folder / "lengths.npy").write_bytes(b""),
    "one bit of the digests": lambda folder: flip(folder / "digests.npy"),
    "one bit of the checksums": lambda folder: flip(folder / "checksums.npy"),
    "no index": lambda folder: (folder / "index.json").unlink(),
    "an index of something else": lambda folder: (folder / "index.json").write_text("[1]"),
    "a changed index": lambda folder: (folder / "index.json").write_text(
        (folder / "index.json").read_text().replace('"bad": {}', '"bad": {"1": "silent"}')
    ),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_store_is_never_used_but_built_again_and_told_in_one_line(tmp_path, how):
    utterances = damaged(tmp_path)
    store = open_store("demo", utterances, RATE, tmp_path)
    expected = store.path.read_bytes()
    assert store.verify() == ()
    DAMAGE[how](store.path.parent)
    if how != "no index":
        assert list(damaged_stores(tmp_path)) == [store.path.parent]
    with pytest.warns(RuntimeWarning, match=r"demo-\w+: this cache of audio is damaged; it is built again") as told:
        again = open_store("demo", utterances, RATE, tmp_path)
    assert len(told) == 1
    assert again.path.read_bytes() == expected
    assert again.fingerprint == store.fingerprint
    assert list(damaged_stores(tmp_path)) == []


def test_verifying_tells_which_clips_are_damaged_those_of_a_selection_too(tmp_path):
    utterances = damaged(tmp_path)
    store = open_store("demo", utterances, RATE, tmp_path)
    kept = store.select([utterances[4], utterances[1], utterances[3]], [4, 1, 3])
    assert kept.verify() == ()
    flip(store.path, 2 * 400 * 3 + 7)
    assert (store.verify(), kept.verify()) == ((3,), (2,))
    store.path.unlink()
    assert kept.verify() == (0, 1, 2)


def test_a_broken_file_stays_out_when_its_row_is_renamed(tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"broken")
    good = utterance(write(tmp_path / "good.wav"))
    broken = utterance(tmp_path / "broken.wav")
    for name in ("broken", "./broken", "other"):
        store = open_store("demo", [replace(broken, name=name), good], RATE, tmp_path, skip_bad=True)
        assert list(store.bad) == [name]
        assert store.lengths.tolist() == [0, 8000]
    with pytest.raises(AudioError, match=r"1 bad audio file .*broken\.wav: not audio"):
        open_store("demo", [replace(broken, name="new"), good], RATE, tmp_path)
    swapped = open_store(
        "demo", [replace(good, name="broken"), replace(broken, name="good")], RATE, tmp_path, skip_bad=True
    )
    assert list(swapped.bad) == ["good"]


def full(*_):
    raise OSError(28, "No space left on device")


UNUSABLE = {
    "a file": (lambda cache, patch: cache.write_text("x"), "Not a directory|File exists"),
    "within a file": (
        lambda cache, patch: (cache.mkdir(), (cache / "audio").write_text("x")),
        "Not a directory|File exists",
    ),
    "full": (lambda cache, patch: patch.setattr(store_files, "save", full), "No space left on device"),
    "a loop of links": (lambda cache, patch: cache.symlink_to(cache), "symbolic links|File exists"),
    "without locks": (lambda cache, patch: patch.setattr("filelock.FileLock.acquire", no_locks), "no locks here"),
}


def no_locks(*_, **__):
    raise NotImplementedError("no locks here")


@pytest.mark.parametrize("how", UNUSABLE)
def test_a_cache_that_cannot_be_used_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, how):
    utterances, cache = damaged(tmp_path), tmp_path / "cache"
    make, words = UNUSABLE[how]
    make(cache, monkeypatch)
    with pytest.raises(StoreError, match=words) as caught:
        open_store("demo", utterances, RATE, cache)
    assert str(caught.value).startswith(f"{cache}: the cache cannot be written (")
    assert "EMONET_BENCH_CACHE_DIR" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("cache/audio/*.pending"))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_read_only_cache_serves_what_it_holds_and_says_why_it_takes_no_more(tmp_path):
    utterances, cache = damaged(tmp_path), tmp_path / "cache"
    open_store("demo", utterances, RATE, cache)
    (cache / "audio").chmod(0o500)
    assert open_store("demo", utterances, RATE, cache).verify() == ()
    with pytest.raises(StoreError, match="the cache cannot be written"):
        open_store("demo", utterances[:2], RATE, cache)
    (cache / "audio").chmod(0o700)


def _open_slowly(utterances, cache, results):
    store = open_store("demo", utterances, RATE, cache, lambda *done: time.sleep(0.01))
    results.put((store.fingerprint, store.path.read_bytes()))


def test_two_processes_may_build_at_once_and_a_killed_build_does_no_harm(tmp_path):
    noise = np.random.default_rng(0).integers(-9000, 9000, (40, 400), dtype=np.int16)
    utterances = [utterance(write(tmp_path / f"{n}.wav", noise[n])) for n in range(40)]
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    killed = context.Process(target=_open_slowly, args=(utterances, tmp_path, results))
    killed.start()
    while not list(tmp_path.glob("audio/*.pending/samples.int16")):
        time.sleep(0.005)
    os.kill(killed.pid, signal.SIGKILL)
    killed.join()
    builders = [context.Process(target=_open_slowly, args=(utterances, tmp_path, results)) for _ in range(2)]
    for builder in builders:
        builder.start()
    built = {results.get(timeout=30) for _ in builders}
    for builder in builders:
        builder.join()
    assert len(built) == 1
    assert built.pop()[1] == noise.tobytes()
    assert not list(tmp_path.glob("audio/*.pending"))


@pytest.mark.slow
def test_ten_thousand_clips_open_again_in_under_a_second(tmp_path):
    first = write(tmp_path / "0.wav", np.ones(16, np.int16))
    for n in range(1, 10_000):
        shutil.copyfile(first, tmp_path / f"{n}.wav")
    utterances = [utterance(tmp_path / f"{n}.wav") for n in range(10_000)]
    open_store("demo", utterances, RATE, tmp_path)
    start = time.perf_counter()
    assert len(open_store("demo", utterances, RATE, tmp_path).lengths) == 10_000
    assert time.perf_counter() - start < 1
