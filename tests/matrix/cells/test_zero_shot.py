"""Zero-shot cells: a network on a corpus that it was not trained on, from the matrix file to the report."""

import csv
import json
import re

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner

from emonet_bench import report
from emonet_bench.cli import main
from emonet_bench.matrix.cells.zero_shot import map_probabilities
from emonet_bench.plugins.loading import Plugins
from emonet_bench.report.html import render_html
from emonet_bench.training import checkpoints
from tests.in_process import cells_in_this_process

PLUGIN = """
from pathlib import Path
from emonet_bench import hookimpl
from emonet_bench.types import Corpus, SplitRule, Utterance

def corpus(name, arousal):
    def load():
        files = sorted((Path({folder!r}) / name).glob("*.wav"))
        return [Utterance(file.name, file, file.stem.split("-")[1], file.stem.split("-")[0]) for file in files]
    maps = {{"arousal": arousal}} if any(arousal.values()) else {{}}
    return Corpus(name, tuple(arousal), load, {{"folds3": SplitRule(folds=3)}}, maps=maps)

@hookimpl
def emonet_corpora(config):
    yield corpus("first", {{"calm": "low", "fury": "high", "glee": "high", "sick": ""}})
    yield corpus("second", {{"loud": "high", "quiet": "low"}})
    yield corpus("third", {{"loud": "", "quiet": ""}})
"""
PITCH = {"calm": 150, "fury": 900, "glee": 700, "sick": 400, "quiet": 160, "loud": 880}
LABELS = {"first": ("calm", "fury", "glee", "sick"), "second": ("loud", "quiet"), "third": ("loud", "quiet")}
MATRIX = """
corpora = ["first", "second", "third"]
architectures = ["svm"]
evaluate = ["arousal"]
seeds = [0, 1]
"""


def speak(folder, name, generator):
    (folder / name).mkdir()
    for speaker in ("ann", "bob", "cyd"):
        for label in LABELS[name]:
            for take in range(3):
                tone = np.sin(np.arange(4000) * 2 * np.pi * PITCH[label] * (1 + 0.1 * generator.random()) / 16_000)
                soundfile.write(
                    folder / name / f"{speaker}-{label}-{take}.wav",
                    0.3 * tone + generator.normal(0, 0.01, 4000),
                    16_000,
                )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made, generator = tmp_path_factory.mktemp("crossing"), np.random.default_rng(0)
    for name in LABELS:
        speak(made, name, generator)
    for speaker in ("ann", "bob", "cyd"):  # the same recordings in both corpora
        copy = made / "first" / f"{speaker}-fury-0.wav"
        (made / "second" / f"{speaker}-loud-0.wav").write_bytes(copy.read_bytes())
    (made / "plugin.py").write_text(PLUGIN.format(folder=str(made)))
    (made / "matrix.toml").write_text(MATRIX)
    return made


def command(folder, *arguments):
    return CliRunner().invoke(main, ["--plugin", str(folder / "plugin.py"), *map(str, arguments)], prog_name="emonet-bench")  # fmt: skip


@pytest.fixture(scope="module")
def results(folder):
    with cells_in_this_process():
        done = command(folder, "run", "matrix", folder / "matrix.toml", "--results", folder / "results")
    assert done.exit_code == 0, done.output
    return folder / "results"


def runs(results, pattern):
    return sorted(path for path in results.glob(pattern) if re.search(r"-[0-9a-f]{8}$", path.name))


def record(run):
    return json.loads((run / "result.json").read_text())


def test_probabilities_of_labels_that_count_as_the_same_are_added_and_the_rest_is_renormalised():
    labels, counted = ["a", "b", "c", "d"], {"a": "y", "b": "x", "c": "", "d": "y"}
    table = torch.rand(50, 4, generator=torch.Generator().manual_seed(0)).softmax(-1)
    for row, own in zip(table.tolist(), map_probabilities(table, labels, counted, ("x", "y")).tolist(), strict=True):
        kept = {"x": row[1], "y": row[0] + row[3]}
        assert own == pytest.approx([kept["x"] / (row[0] + row[1] + row[3]), kept["y"] / (row[0] + row[1] + row[3])])


def test_where_only_dropped_labels_are_probable_the_others_are_equally_so():
    table = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    found = map_probabilities(table, ["x", "dropped", "y"], {"x": "x", "dropped": "", "y": "y"}, ("y", "x"))
    assert found.tolist() == [[0.5, 0.5], [0.0, 1.0]]


def test_each_network_that_knows_one_corpus_is_scored_on_the_others_that_have_the_map(results):
    crossed = [run.name.rpartition("-")[0] for run in runs(results, "*-on-*")]
    assert crossed == [f"{a}-svm-scratch-s{s}-f0-on-{b}-arousal" for a, b in (("first", "second"), ("second", "first")) for s in (0, 1)]  # fmt: skip
    assert len(runs(results, "*")) == 4 + 2 * 3 * 3


def test_the_clips_are_those_that_any_fold_tests_and_the_scores_follow_from_the_source_network(results, folder):
    from emonet_bench.plugins.loading import Selection

    (run, _) = runs(results, "first-*-on-second-*")
    told = record(run)
    (source,) = runs(results, f"*-{told['spec']['source'][:8]}")
    assert source.name.startswith("first-svm-scratch-s0-f0-")
    classifier, _ = checkpoints.restore(source, Plugins(Selection(files=(folder / "plugin.py",))))
    with (run / "predictions.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row["utterance"] for row in rows) == sorted(path.name for path in (folder / "second").iterdir())
    assert {row["partition"] for row in rows} == {"test"}
    hits = {"low": [], "high": []}
    for row in rows:
        sound, _ = soundfile.read(folder / "second" / row["utterance"], dtype="float32")
        with torch.inference_mode():
            calm, fury, glee, _ = classifier(torch.from_numpy(sound)[None], torch.tensor([len(sound)])).softmax(-1)[0].tolist()  # fmt: skip
        assert float(row["probability:high"]) == pytest.approx((fury + glee) / (calm + fury + glee), abs=1e-5)
        assert float(row["probability:low"]) == pytest.approx(calm / (calm + fury + glee), abs=1e-5)
        assert row["truth"] == {"loud": "high", "quiet": "low"}[row["utterance"].split("-")[1]]
        hits[row["truth"]].append(row["prediction"] == row["truth"])
    assert told["scores"]["test"]["uar"] == pytest.approx(np.mean([np.mean(each) for each in hits.values()]))
    assert told["labels"] == ["high", "low"]
    assert (told["parameters"]["trainable"], "dev" in told["scores"]) == (0, False)


def test_recordings_that_the_source_was_trained_on_are_counted_and_told(results):
    (run, _) = runs(results, "first-*-on-second-*")
    told = record(run)
    assert told["shared_clips"] == 2, "of three copies the source's test speaker has one"
    assert told["audit"] == "leaking"
    (line,) = [note for note in report.summarise(report.load(results)).notes if "were trained on" in note and "from first" in note]  # fmt: skip
    assert line == "Zero-shot from first folds3 to second: 2 of the clips were trained on, so scores are too good."


def test_the_report_keeps_them_apart_from_what_is_ranked(results):
    table = report.summarise(report.load(results))
    assert [(row.corpus, row.protocol) for row in table.rows] == [(name, "folds3") for name in LABELS]
    assert [str(column) for column in table.columns] == ["svm scratch"]
    (one,) = table.zero_shot
    assert (one.title, one.sources) == ("svm scratch, arousal", ("first folds3", "second folds3"))
    assert [(row.corpus, row.subtitle, row.clips) for row in one.targets] == [("first", "folds3:arousal", 27), ("second", "folds3:arousal", 18)]  # fmt: skip
    assert set(one.cells) == {("first folds3", 1), ("second folds3", 0)}
    for (source, place), cell in one.cells.items():
        same = runs(results, f"{source.split()[0]}-*-on-{one.targets[place].corpus}-*")
        assert cell.score == pytest.approx(np.mean([record(run)["scores"]["test"]["uar"] for run in same]))
        assert (cell.seeds, cell.best, cell.against, cell.interval.unit) == (2, False, None, "speakers")


def test_every_format_shows_them_marked(results, folder, tmp_path):
    table = report.summarise(report.load(results))
    one = table.zero_shot[0]
    score = f"{one.cells['second folds3', 0].score:.3f}".removeprefix("0")
    shown = command(folder, "report", results).stdout
    assert re.search(rf"Zero-shot UAR: svm scratch, arousal.*second folds3\s.*{re.escape(score)}", shown, re.DOTALL)
    markdown = report.render_markdown(table)
    assert "Zero-shot UAR: svm scratch, arousal" in markdown
    assert f"| second folds3 | {score}" in markdown
    assert report.render_latex(table).count(r"\end{tabular}") == 2
    lines = list(csv.DictReader(report.render_csv(table).splitlines()))
    assert [line["trained_on"] for line in lines] == ["", "", "", "first folds3", "second folds3"]
    page = render_html(table)
    assert re.search(r'id="zero-shot".*<span class="badge">zero-shot</span> svm scratch, arousal', page, re.DOTALL)


def test_a_filter_may_leave_nothing_but_them(results, folder):
    shown = command(folder, "report", results, "--filter", "protocol=folds3:arousal")
    assert shown.exit_code == 0, shown.output
    assert "Zero-shot UAR: svm scratch, arousal" in shown.stdout


def test_they_are_verified_reproduced_and_not_exported(results, folder, tmp_path):
    done = command(folder, "verify", results, "--checkpoints")
    assert (done.exit_code, done.output) == (0, "22 of 22 runs are as stated; 22 checkpoints evaluated again.\n")
    (run, _) = runs(results, "second-*-on-first-*")
    again = command(folder, "reproduce", run, "--results", tmp_path / "again")
    assert again.exit_code == 0, again.output
    assert again.output.endswith("identical to the last bit.\n")
    exported = command(folder, "export", run)
    assert exported.exit_code == 2
    assert f"holds scores only; the network is that of run {record(run)['spec']['source'][:8]}" in exported.stderr


def test_a_crossing_without_its_source_beside_it_says_so(results, folder, tmp_path):
    (run, _) = runs(results, "second-*-on-first-*")
    alone = tmp_path / "alone" / run.name
    alone.mkdir(parents=True)
    for file in run.iterdir():
        (alone / file.name).write_bytes(file.read_bytes())
    done = command(folder, "verify", alone, "--checkpoints")
    assert f"{run.name}: not evaluated again: its source does not lie beside it" in done.output
    assert done.exit_code == 0


def test_a_finished_matrix_is_only_evaluated_when_it_asks_for_it_later(results, folder):
    before = {run.name: (run / "result.json").stat().st_mtime_ns for run in runs(results, "*")}
    matrix = folder / "plain.toml"
    matrix.write_text(MATRIX.replace('evaluate = ["arousal"]', ""))
    with cells_in_this_process():
        assert command(folder, "run", "matrix", matrix, "--results", results).exit_code == 0
    assert {run.name: (run / "result.json").stat().st_mtime_ns for run in runs(results, "*")} == before


def test_an_unknown_map_is_one_clear_line(folder):
    done = command(folder, "run", "matrix", folder / "matrix.toml", "--set", 'evaluate=["arousl"]', "--dry-run")
    assert done.exit_code == 2
    assert "evaluate: no two corpora have the label map 'arousl'; did you mean 'arousal'?" in done.stderr
