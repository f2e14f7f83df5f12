"""Mutated records, tables, histories, weights and folders: one line each, no traceback, nothing touched outside."""

import collections
import json
import os
import random
import shutil
import struct
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from emonet_bench.cli import main
from emonet_bench.errors import EmonetBenchError
from emonet_bench.training import checkpoints
from tests.runs.test_record import JOINT, SINGLE

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="pipes and links of POSIX"),
    pytest.mark.filterwarnings("always:left out:RuntimeWarning"),
]

DEEP = json.loads("[" * 150 + "]" * 150)
VALUES = [
    None, True, False, 0, 1, -1, 0.5, 1.5, -0.0, 1e308, 10**18, 10**19, "", "a", "0.5", "../up", "/etc/passwd", "a" * 3_000, "\n",
    "[/red]", "\x1b[31m", "é" * 200, "a+b", "nan", [], [None], [1, "a"], {}, {"a": 1}, {"": {}}, DEEP, float("nan"), float("inf"),
]  # fmt: skip
TOKENS = [b"NaN", b"1e999", b"9" * 400, b"9" * 5_000, b'"\\ud800"', b"\xff", b"\x00", b"[" * 3_000, b'"', b",", b"}", b"\r", b"null", b"\xef\xbb\xbf"]  # fmt: skip
FIELDS = [
    "",
    "nan",
    "inf",
    "-1",
    "2",
    "x",
    "9" * 400,
    "a" * 200_000,
    '"',
    "\0",
    "test",
    "dev",
    "anger",
    "probability:anger",
]


def command(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="emonet-bench")


def places(value, path=()):
    """Every place in a JSON value."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


def mutate_json(content, draw):
    value = json.loads(content)
    for _ in range(draw.choice([1, 1, 1, 3])):
        *path, last = draw.choice([place for place in places(value) if place])
        inner = value
        try:
            for key in path:
                inner = inner[key]
            how = draw.randrange(4)
            if how == 0:
                del inner[last]
            elif how == 1 and isinstance(inner, dict):
                inner[draw.choice(["extra", "evaluate", "error", "corpora", "schema_version"])] = draw.choice(VALUES)
            else:
                inner[last] = draw.choice(VALUES)
        except (LookupError, TypeError):
            continue  # an earlier change has removed it
    return json.dumps(value).encode()


def mutate_bytes(content, draw):
    at = draw.randrange(len(content) + 1)
    how = draw.randrange(4)
    if how == 0:
        return content[:at]
    if how == 1:
        return content[:at] + draw.choice(TOKENS) + content[at:]
    if how == 2:
        return content[:at] + bytes([draw.randrange(256)]) + content[at + 1 :]
    return content[:at] + content[at + draw.randrange(1, 40) :]


def mutate_table(content, draw):
    rows = [line.split(",") for line in content.decode().splitlines()]
    row = draw.choice(rows[:1] + rows)
    how = draw.randrange(4)
    if how == 0:
        row[draw.randrange(len(row))] = draw.choice(FIELDS)
    elif how == 1:
        del row[draw.randrange(len(row))]
    elif how == 2:
        row.insert(draw.randrange(len(row)), draw.choice(FIELDS))
    else:
        draw.shuffle(rows)
    return "\n".join(map(",".join, rows)).encode()


def mutate_weights(content, draw):
    (length,) = struct.unpack("<Q", content[:8])
    header, rest = content[8 : 8 + length], content[8 + length :]
    how = draw.randrange(5)
    if how == 0:
        return (
            struct.pack("<Q", draw.choice([0, 1, length - 1, length + 1, 2**31, 2**40, 2**63, 2**64 - 1])) + content[8:]
        )
    if how == 1:
        header = mutate_json(header, draw)
    elif how == 2:
        raw = json.loads(header)
        raw["__metadata__"]["emonet_bench"] = draw.choice([mutate_json, mutate_bytes])(
            raw["__metadata__"]["emonet_bench"].encode(), draw
        ).decode(errors="replace")
        header = json.dumps(raw).encode()
    elif how == 3:
        return mutate_bytes(content, draw)
    else:
        rest = rest[: draw.randrange(len(rest))]
    return struct.pack("<Q", len(header)) + header + rest


def plant(path, draw, outside):
    """Put something strange in place of a file."""
    path.unlink(missing_ok=True)
    how = draw.randrange(6)
    if how == 0:
        os.mkfifo(path)
    elif how == 1:
        path.mkdir()
    elif how == 2:
        path.symlink_to("/dev/zero")
    elif how == 3:
        path.symlink_to(path)
    elif how == 4:
        path.symlink_to(outside / "precious")
    else:
        with path.open("wb") as stream:
            stream.truncate(draw.choice([0, 1, 20 * 2**20, 300 * 2**20]))


def litter(pending, draw, outside):
    """Leave garbage where unfinished runs lie."""
    name = draw.choice(["x", "x.old", "x.lock", "queue-1.json", "queue-1.lock", "[red]", "a\nb", "é"])
    path = pending / name
    if draw.randrange(2):
        path.mkdir()
        (path / "history.csv").write_bytes(mutate_table((JOINT / "history.csv").read_bytes(), draw))
        if draw.randrange(2):
            plant(path / "history.csv", draw, outside)
    else:
        plant(path, draw, outside)


def trial(folder, seed):
    """Mutate one of three runs, look at them with each command, and return what the first line said."""
    draw = random.Random(seed)
    shutil.rmtree(folder, ignore_errors=True)
    results, outside = folder / "results", folder / "outside"
    outside.mkdir(parents=True)
    (outside / "precious").write_text("precious")
    for run in (SINGLE, JOINT):
        shutil.copytree(run, results / run.name)
    victim = shutil.copytree(draw.choice([SINGLE, JOINT]), results / "victim-00000000")
    (results / ".pending").mkdir()
    file = victim / draw.choice(["result.json"] * 4 + sorted(os.listdir(victim)))
    mutations = {".json": [mutate_json] * 3 + [mutate_bytes], ".csv": [mutate_table, mutate_table, mutate_bytes], ".safetensors": [mutate_weights]}  # fmt: skip
    if draw.randrange(8) == 0:
        plant(file, draw, outside)
    else:
        file.write_bytes(draw.choice(mutations.get(file.suffix, [mutate_bytes]))(file.read_bytes(), draw))
    if draw.randrange(4) == 0:
        litter(results / ".pending", draw, outside)
    said = "accepted"
    for arguments in (("verify", results), ("status", results), ("report", results), ("show", victim)):
        done = command(*arguments)
        assert isinstance(done.exception, SystemExit | None), (seed, arguments, done.exc_info)
        assert done.exit_code in (0, 1, 2), (seed, arguments)
        assert "Traceback" not in done.output, (seed, arguments)
        if victim.name in done.output and arguments[0] in ("verify", "report"):
            said = "refused in one line"
        if arguments[0] == "report":
            assert "synthetic-acted" in done.output, (seed, "the other runs are shown")
    if (victim / "model.safetensors").is_file():
        with suppress(EmonetBenchError):
            checkpoints.load(victim)
    assert [path.name for path in outside.iterdir()] == ["precious"], seed
    assert (outside / "precious").read_text() == "precious", seed
    return said


def test_mutated_runs_end_in_one_line(tmp_path):
    counts = collections.Counter(trial(tmp_path / "x", seed) for seed in range(40))
    assert counts["refused in one line"] > 10, "the mutations reach something"


@pytest.mark.slow
def test_many_mutated_runs_end_in_one_line(tmp_path):
    tried = int(os.environ.get("EMONET_BENCH_FUZZ", "1000"))
    counts = collections.Counter(trial(tmp_path / "x", 1_000 + seed) for seed in range(tried))
    Path(os.environ.get("EMONET_BENCH_FUZZ_COUNTS", tmp_path / "counts.json")).write_text(json.dumps(counts))
    assert counts.total() == tried
