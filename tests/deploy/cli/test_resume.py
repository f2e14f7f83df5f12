"""Resuming: cut anywhere, an output becomes what it would have been at once."""

import pytest

from emonet_bench.deploy.cli.resume import NOTHING, read_done
from emonet_bench.errors import ConfigError

COLUMNS = ["file", "start", "end", "prediction", "probability:anger", "probability:joy"]
FILES = ["a.wav", 'b "x",\n.wav', "c.wav"]
CSV = [
    ",".join(COLUMNS) + "\n",
    "a.wav,0,1,joy,0.1,0.9\na.wav,1,2,joy,0.1,0.9\n",
    '"b ""x"",\n.wav",0,1,joy,0.1,0.9\n',
    "c.wav,0,1,joy,0.1,0.9\nc.wav,1,2,joy,0.1,0.9\n",
]
JSONL = [
    "".join(
        f'{{"file": "{name}", "start": 0, "end": 1, "prediction": "joy", "probabilities": {{"anger": 0.1, "joy": 0.9}}}}\n'
        for _ in range(times)
    )
    for name, times in (("a.wav", 2), ("b.wav", 1), ("c.wav", 2))
]


def expected(parts, names, cut):
    """The complete files but the last, and where the last of those that have begun begins."""
    starts = [sum(len(part) for part in parts[:number]) for number in range(len(parts) + 1)]
    first = len(parts) - len(names)
    begun = [
        number
        for number in range(len(names))
        if "\n" in "".join(parts)[starts[first + number] : cut].replace(",\n", ",")
    ]
    if not begun:
        return None
    return frozenset(names[: begun[-1]]), starts[first + begun[-1]]


@pytest.mark.parametrize(
    ("form", "parts", "names"), [("csv", CSV, FILES), ("jsonl", JSONL, ["a.wav", "b.wav", "c.wav"])]
)
def test_wherever_it_was_cut_all_files_but_the_last_that_has_begun_are_done(tmp_path, form, parts, names):
    whole = "".join(parts)
    for cut in range(len(parts[0]) + 1, len(whole) + 1):
        (tmp_path / "out").write_text(whole[:cut], newline="")
        done = read_done(tmp_path / "out", form, COLUMNS)
        wanted = expected(parts, names, cut)
        if wanted is not None:
            assert (done.files - {""}, done.size) == wanted


def test_a_missing_or_empty_output_holds_nothing(tmp_path):
    assert read_done(tmp_path / "out", "csv", COLUMNS) == NOTHING
    (tmp_path / "out").touch()
    assert read_done(tmp_path / "out", "csv", COLUMNS) == NOTHING
    (tmp_path / "out").write_text(CSV[0])
    assert read_done(tmp_path / "out", "csv", COLUMNS).size == len(CSV[0])


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("csv", "file,start,end,prediction,probability:sadness\n"),
        ("csv", CSV[0] + "a.wav,0\n"),
        ("csv", "notes of mine\n"),
        ("jsonl", '{"file": "a.wav"}\n'),
        ("jsonl", "[1]\n"),
        ("jsonl", "notes\n"),
        ("jsonl", JSONL[0].replace("anger", "sadness")),
    ],
)
def test_what_is_not_an_output_of_the_model_is_refused_and_left_alone(tmp_path, form, text):
    (tmp_path / "out").write_text(text)
    with pytest.raises(ConfigError, match="out is not what this model writes with --format"):
        read_done(tmp_path / "out", form, COLUMNS)
    assert (tmp_path / "out").read_text() == text
