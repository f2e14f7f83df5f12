"""Mutated cards, tables and the text files that cards read: one line that names them, never a traceback or a hang."""

from pathlib import Path

import emonet_corpora
import numpy as np
import pytest

from emonet_bench.data.cards import corpus_at
from emonet_bench.data.coverage import coverage
from tests.test_fuzz import complaint, mutated

CARDS = sorted((Path(emonet_corpora.__file__).parent / "cards").glob("*.toml"))
TABLE = "file,label,speaker,partition,start,end\n" + "".join(
    f"wav/{n}.wav,{'ab'[n % 2]},s{n},{('train', 'dev', 'test')[n % 3]},0.{n},{n + 1}\n" for n in range(9)
)
LISTED = r"""
title = "Mine"
homepage = "https://example.org"
licence = "CC0-1.0"
redistributable = "yes"
citation = "@misc{mine}"
languages = ["en"]
elicitation = "acted"
patterns = ['clip\d+', '(?P<session>x)/(?P<label>[na])_(?P<text>\w+)']
[[tables]]
files = "*.csv"
row = '(?P<partition>learn|check)\.csv:(?P<id>\d+),(?P<label>\w),(?P<speaker>"[^"]*"|[^,]*)'
name = "clip{id}"
[corrections]
clop = "clip1"
[labels]
n = "neutral"
a = "anger"
[partitions]
learn = "train"
check = "test"
[protocols.folds3]
folds = 3
"""
ROWS = 'id,label,speaker\n1,n,"ann, b"\n2,a,ann\n3,n,bob\n4,a,eve\n'
PIECES = [
    b"(a+)+", b"../../..", b"{id:d}", b"/dev/zero", b"*", b"[", b"\xff\xfe", b"\0", b'"', b"\x85", b"nan", b"1e999",
    b"folds = 0", b"\xf0\x9f\x8e\xad", b";", b"\t", b"__class__", b"(?P<label>", b"9" * 400, b"\r", b"'''", b"-1",
]  # fmt: skip


def spoilt(content, draw):
    """Mutate bytes, or put something hostile where it may hurt."""
    if draw.integers(2):
        return mutated(content, draw)
    place = int(draw.integers(0, len(content)))
    return content[:place] + PIECES[draw.integers(len(PIECES))] + content[place + int(draw.integers(0, 4)) :]


def write(folder, kind, draw, number):
    """Write a corpus of a kind with one spoilt file."""
    folder.mkdir()
    files = {
        "table": {"utterances.csv": TABLE},
        "tables": {f"{part}.csv": f"file,label\n{part}0.wav,a\n{part}1.wav,b\n" for part in ("train", "dev", "test")},
        "card": {"card.toml": CARDS[number % len(CARDS)].read_text(encoding="utf-8")},
        "listed card": {"card.toml": LISTED, "learn.csv": ROWS, "check.csv": ROWS.replace("1", "7")},
    }[kind]
    chosen = sorted(files)[int(draw.integers(len(files)))]
    for name, text in files.items():
        content = text.encode()
        (folder / name).write_bytes(spoilt(content, draw) if name == chosen else content)
    for name in ("clip1", "clip2", "clip3", "clop", "03a01Fa", "x_n_y"):
        (folder / f"{name}.wav").touch()


def tried(root, count, seed, monkeypatch):
    """Read so many spoilt corpora of each kind, and count those that were refused."""
    monkeypatch.setattr("emonet_bench.data.cards.bounded.PATIENCE", 10.0)
    refused = 0
    for kind in ("table", "tables", "card", "listed card"):
        draw = np.random.default_rng(seed)
        for number in range(count):
            folder = root / f"{kind}{number}"
            write(folder, kind, draw, number)
            said = complaint(lambda folder=folder: str(coverage(corpus := corpus_at("mine", folder), corpus.load())))
            if said is not None:
                refused += 1
                assert "\n" not in said
                assert "mine" in said or str(folder) in said
    return refused


@pytest.fixture
def secret(tmp_path):
    """A file beside the corpora that nothing may read, write or move."""
    path = tmp_path / "secret.txt"
    path.write_text("secret", encoding="utf-8")
    yield path
    assert path.read_text(encoding="utf-8") == "secret"
    assert {one.name for one in tmp_path.iterdir()} == {"secret.txt", "corpora"}


def test_no_spoilt_corpus_ends_in_a_traceback(tmp_path, secret, monkeypatch):
    (tmp_path / "corpora").mkdir()
    assert tried(tmp_path / "corpora", 40, 1, monkeypatch) > 40


@pytest.mark.slow
def test_no_spoilt_corpus_ends_in_a_traceback_however_many_are_tried(tmp_path, secret, monkeypatch):
    (tmp_path / "corpora").mkdir()
    refused = tried(tmp_path / "corpora", 500, 2, monkeypatch)
    print(f"{refused} of 2000 refused")  # noqa: T201
    assert refused > 500
