"""A corpus of forty short clips by five speakers, and a run of each fold as the matrix writes it."""

import numpy as np
import pytest
import soundfile
import torch

from emonet_bench.config import Training
from emonet_bench.data.opened_corpus import open_corpus
from emonet_bench.data.tables import read_directory
from emonet_bench.matrix.cells import scoring
from emonet_bench.networks.outputs import activate
from emonet_bench.plugins.loading import Selection
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.spec import RunSpec, directory_name

LABELS = ("anger", "fear", "joy")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("theirs")
    draw = np.random.default_rng(0)
    rows = ["file,label,speaker"]
    for n in range(40):
        soundfile.write(folder / f"{n}.wav", draw.integers(-9000, 9000, 400 + n, dtype=np.int16), 16_000)
        rows.append(f"{n}.wav,{LABELS[n % 3]},s{n % 5}")
    (folder / "utterances.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def selection(folder):
    return Selection(names=("builtins",), places={"theirs": folder})


@pytest.fixture(scope="session")
def opened(folder, cache_dir):
    return open_corpus(read_directory("theirs", folder, folder), "folds5", 16_000, cache_dir)


@pytest.fixture(scope="session")
def told_folder(tmp_path_factory):
    """Forty clips of which votes, label sets and values are told, and no single label."""
    folder = tmp_path_factory.mktemp("told")
    draw = np.random.default_rng(1)
    sides = ["votes:anger", "votes:joy", "labels:loud", "labels:fast", "labels:high", "arousal:1..7", "valence:-1..1"]
    rows = [",".join(["file", "speaker", *sides])]
    for n in range(40):
        soundfile.write(folder / f"{n}.wav", draw.integers(-9000, 9000, 400 + n, dtype=np.int16), 16_000)
        votes, told = draw.multinomial(5, [0.4, 0.6]), draw.integers(0, 2, 3)
        values = f"{draw.uniform(1, 7):.3f},{draw.uniform(-1, 1):.3f}"
        rows.append(f"{n}.wav,s{n % 5},{','.join(map(str, (*votes, *told)))},{values}")
    (folder / "utterances.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def open_told(told_folder, cache_dir):
    """Opens that corpus under a protocol."""
    corpus = read_directory("told", told_folder, told_folder)
    return lambda protocol: open_corpus(corpus, protocol, 16_000, cache_dir)


def add_runs(results, opened, architecture="net", seed=0):
    """Write a run of each fold with random predictions, through what the matrix itself writes with."""
    generator = torch.Generator().manual_seed(seed)
    for fold in opened.folds:
        spec = RunSpec(
            corpus=opened.corpus.name, protocol=opened.protocol, architecture=architecture, architecture_options={}, strategy="scratch",
            strategy_options={}, training=Training(), seed=seed, fold=fold,
        )  # fmt: skip
        identity = f"{ord(architecture[0]):04x}{seed:08x}{fold:04x}"
        files = RunFiles(results / directory_name(spec, identity[::-1]))
        files.directory.mkdir(parents=True)
        parts = {part: opened.clips(index) for part, index in opened.divide(fold).items() if part != "train"}
        rows = {
            part: activate(torch.randn(len(clips), len(clips.labels), generator=generator).mul(2), clips.target)
            for part, clips in parts.items()
        }
        files.write_predictions(opened.target.names, scoring.prediction_rows(parts, rows), kind=opened.target.kind)
        scored = {opened.corpus.name: {part: scoring.score(parts[part], rows[part]) for part in rows}}
        record = RunRecord(
            schema_version=2, run_id=identity[::-1], spec=spec, **scoring.corpus_facts({opened.corpus.name: opened}, fold, None),
            **scoring.joint_scores(scored),
        )  # fmt: skip
        files.write_record(record)
    return results


@pytest.fixture
def runs(tmp_path, opened):
    """The results directory."""
    return add_runs(tmp_path / "results", opened)


@pytest.fixture
def together(runs, tmp_path):
    """The predictions of all folds in one file, as they stand."""
    return joined(runs, tmp_path)


def joined(runs, tmp_path):
    """Write the test predictions of all folds into one file, in another order."""
    tables = [path.read_text().splitlines() for path in sorted(runs.glob("*/predictions.csv"))]
    file = tmp_path / "own.csv"
    tested = [line for lines in tables for line in lines[1:] if ",test," in line]
    file.write_text("\n".join([tables[0][0], *reversed(tested)]))
    return file
