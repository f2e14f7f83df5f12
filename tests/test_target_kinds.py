"""Each kind of target from a table to ONNX, Predictor and verify, on generated tones: the way end to end."""

import csv
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from emonet_bench import Predictor, load_results, run_matrix
from emonet_bench.data.cards import corpus_at
from emonet_bench.data.opened_corpus import open_corpus
from emonet_bench.directories import cache_directory
from emonet_bench.errors import ConfigError
from emonet_bench.matrix.cells.cell import run_cell
from emonet_bench.matrix.cells.job import Job
from emonet_bench.matrix.planning.plan import MatrixSource, plan
from emonet_bench.metrics.regression import concordance_correlation
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.report.checking.reevaluation import Reevaluation, reevaluate
from emonet_bench.report.checking.verification import verify
from emonet_bench.report.html import render_html
from emonet_bench.report.reading import load
from emonet_bench.report.tables.table import summarise
from emonet_bench.runs.files import RunFiles

RATE = 8_000
SPEAKERS = {"train": 3, "dev": 1, "test": 2}
TRAINING = {
    "epochs": 12, "sampling_rate": RATE, "batch_size": 8, "learning_rate": 0.02, "threads": 1, "device": "cpu",
    "window": 0.5, "evaluation": "whole",
}  # fmt: skip
SMALL = {"num_mels": 16, "n_fft": 256, "hop": 128, "f_max": 4_000, "number_of_resnet_blocks": 1, "number_of_filters": 8}
KINDS = {
    "label": ("own", "crossentropy"),
    "votes": ("own-votes", "kl"),
    "label-set": ("own-labels", "bce"),
    "values": ("own-values", "ccc"),
}


def matrix(corpus, protocol, loss):
    return {
        "corpora": {"tones": {"path": str(corpus), "card": str(corpus), "protocol": protocol}},
        "architectures": ["cnn"],
        "strategies": ["scratch"],
        "seeds": [0],
        "options": {"cnn": SMALL},
        "training": {**TRAINING, "loss": loss},
    }


def rows():
    """Tones whose level is their arousal and whose pitch their valence; listeners vote by pitch."""
    for partition, speakers in SPEAKERS.items():
        for speaker in range(speakers):
            for arousal in (1, 3, 5, 7):
                for valence in (1, 4, 7):
                    high = (valence - 1) / 6
                    label = {1: "sad", 4: "", 7: "glad"}[valence]  # without consensus in the middle
                    name = f"{partition}{speaker}_{arousal}{valence}.wav"
                    votes = round(4 * (1 - high)), round(4 * high)
                    yield name, partition, label, *votes, int(arousal > 4), int(valence > 4), arousal, valence


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tones")
    generator = np.random.default_rng(0)
    header = "file,partition,label,votes:sad,votes:glad,labels:loud,labels:high,arousal:1..7,valence:1..7"
    with (folder / "utterances.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header.split(","))
        for row in rows():
            name, *_, arousal, valence = row
            times = np.arange(RATE // 2) / RATE
            tone = 0.02 * 2 ** (arousal / 2) * np.sin(2 * np.pi * (200 + 150 * valence) * times)
            soundfile.write(folder / name, tone + 0.002 * generator.standard_normal(len(times)), RATE)
            writer.writerow(row)
    return folder


@pytest.fixture(scope="module")
def ran(corpus, tmp_path_factory):
    """A run of each kind: its directory and record."""
    done = {}
    for kind, (protocol, loss) in KINDS.items():
        results, plugins = tmp_path_factory.mktemp(kind), Plugins()
        planned = plan(MatrixSource(matrix(corpus, protocol, loss), "the test", corpus), plugins)
        (cell,) = planned.cells
        corpora = (plugins.corpora["tones"],)
        assert run_cell(Job(cell, Selection(), results, export=True, corpora=corpora)) is None
        (directory,) = (path.parent for path in results.glob("*/result.json"))
        done[kind] = directory, RunFiles(directory).read_record()
    return done


def truths(corpus, *columns):
    with (corpus / "utterances.csv").open() as stream:
        return {row["file"]: [float(row[name]) for name in columns] for row in csv.DictReader(stream)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_of_each_kind_finishes_and_verifies(ran, kind):
    directory, record = ran[kind]
    assert record.error is None, record.error
    assert record.onnx.error is None
    assert list(verify(directory).problems) == []


def test_what_is_learnt_is_better_than_chance(ran):
    assert ran["values"][1].test.metrics["ccc"] > 0.3
    assert ran["label-set"][1].test.metrics["macro_f1"] > 0.5
    assert ran["votes"][1].test.metrics["plurality_uar"] > 0.6


def test_clips_without_consensus_are_left_out_of_labels_and_stay_for_votes(ran):
    clips = {kind: record.partitions["test"].clips for kind, (_, record) in ran.items()}
    assert clips == {"label": 16, "votes": 24, "label-set": 24, "values": 24}


def test_a_labels_record_and_predictions_are_as_they_always_were(ran):
    directory, record = ran["label"]
    assert "target" not in json.loads((directory / "result.json").read_text())
    head = (directory / "predictions.csv").read_text().splitlines()[0]
    assert head == "utterance,partition,speaker,truth,prediction,probability:glad,probability:sad"
    assert record.test.metrics is None


@pytest.mark.parametrize(
    ("kind", "output", "columns"),
    [
        ("votes", "probabilities", ["prediction", "probability:sad", "probability:glad"]),
        ("label-set", "scores", ["score:loud", "score:high"]),
        ("values", "values", ["value:arousal", "value:valence"]),
    ],
)
def test_the_exported_file_says_what_the_run_predicted(ran, corpus, kind, output, columns):
    directory, record = ran[kind]
    predictor = Predictor(directory / "model.onnx", "cpu")
    assert predictor.model.target.kind == kind
    assert predictor.columns == ["file", "start", "end", *columns]
    table = RunFiles(directory).read_target_predictions(record, "tones").part("test")
    found = list(predictor.predict([corpus / name for name in table.utterances]))
    told = np.array([getattr(one, output) for one in found])
    assert told == pytest.approx(np.array(table.predicted), abs=2e-3)
    assert [len(row) for row in predictor.rows(found)] == [len(predictor.columns)] * len(found)


def test_values_are_scored_on_their_scales_over_the_whole_partition(ran, corpus):
    directory, record = ran["values"]
    table = RunFiles(directory).read_target_predictions(record, "tones").part("test")
    known = truths(corpus, "arousal:1..7", "valence:1..7")
    truth = np.array([known[name] for name in table.utterances])
    predicted = np.array(table.predicted)
    each = [concordance_correlation(truth[:, k], predicted[:, k]) for k in range(2)]
    told = record.test.metrics
    assert [told["ccc:arousal"], told["ccc:valence"]] == pytest.approx(each, abs=1e-12)
    assert told["ccc"] == pytest.approx(np.mean(each))
    assert told["mae:valence"] == pytest.approx(np.abs(truth - predicted)[:, 1].mean())


@pytest.mark.parametrize(
    ("kind", "metric", "other"),
    [
        ("votes", "plurality_uar", "cross_entropy"),
        ("label-set", "macro_f1", "map"),
        ("values", "ccc", "ccc:valence"),
    ],
)
def test_the_report_shows_a_metric_of_the_kind_with_its_interval(ran, kind, metric, other):
    directory, record = ran[kind]
    results = load_results(directory.parent)
    for wanted, shown in (("uar", metric), (metric, metric), (other, other)):
        (row,) = results.table(metric=wanted).to_dict("records")
        assert row["metric"] == shown
        assert row["score"] == pytest.approx(record.test.metrics[shown], abs=1e-9)
        assert row["low"] <= row["score"] <= row["high"]


@pytest.mark.parametrize("kind", ["votes", "label-set", "values"])
def test_the_page_of_a_report_has_no_confusion_where_no_labels_were_predicted(ran, kind):
    directory, _ = ran[kind]
    page = render_html(summarise(load(directory.parent)))
    assert "Score on dev by epoch" in page
    assert "Confusion" not in page


@pytest.mark.parametrize("kind", ["votes", "label-set", "values"])
def test_a_checkpoint_gives_the_same_predictions_again_and_a_changed_table_is_found(ran, corpus, kind, tmp_path):
    directory = ran[kind][0]
    plugins = Plugins()
    plugins.add_corpora((corpus_at("tones", corpus),))

    def opened(name, protocol, rate, skip_bad):
        return open_corpus(plugins.corpora[name], protocol, rate, cache_directory(), skip_bad=skip_bad)

    assert reevaluate(directory, plugins, opened, 1e-4) == Reevaluation([], evaluated=True)
    copy = tmp_path / directory.name
    shutil.copytree(directory, copy)
    head, first, *others = (copy / "predictions.csv").read_text().splitlines()
    cells = first.split(",")
    cells[-1] = "0.0123"
    (copy / "predictions.csv").write_text("\n".join([head, ",".join(cells), *others]) + "\n")
    (problem,) = reevaluate(copy, plugins, opened, 1e-4).problems
    assert "predictions on dev of tones: 1 clips differ from the checkpoint's" in problem


def test_a_metric_of_labels_is_refused_for_values(ran):
    with pytest.raises(ConfigError, match="accuracy is a metric of single labels, not of values"):
        load_results(ran["values"][0].parent).table(metric="accuracy")


@pytest.mark.parametrize("kind", ["votes", "label-set", "values"])
def test_the_model_card_tells_the_kinds_metrics(ran, kind):
    directory, record = ran[kind]
    card = (directory / "model.md").read_text()
    assert f"| {next(iter(record.test.metrics))} | " in card.replace("\\", "")
    assert "UAR is" not in card


@pytest.mark.parametrize(
    ("protocol", "loss", "message"),
    [
        (
            "own-values",
            "crossentropy",
            "'crossentropy' is for label and votes, .*'own-values' of tones is about values; losses that fit: ccc, ",
        ),
        ("own", "ccc", "'ccc' is for values, .* is about label"),
    ],
)
def test_a_loss_of_another_kind_is_one_line_at_planning(corpus, tmp_path, protocol, loss, message):
    with pytest.raises(ConfigError, match=message) as refused:
        run_matrix(matrix(corpus, protocol, loss), results=tmp_path / "results")
    assert "\n" not in str(refused.value)


def test_an_architecture_that_is_fitted_to_labels_is_skipped_with_its_reason(corpus, tmp_path):
    changed = {**matrix(corpus, "own-values", "ccc"), "architectures": ["svm"], "options": {}}
    (skipped,) = run_matrix(changed, results=tmp_path / "results").records
    assert skipped.reason == "svm predicts no values, which protocol 'own-values' is about"


def test_results_of_several_kinds_say_which_rows_a_metric_cannot_show(ran, tmp_path):
    for kind in ("label", "values"):
        shutil.copytree(ran[kind][0], tmp_path / ran[kind][0].name)
    table = load_results(tmp_path).summary
    states = {row.protocol: [cell.state for cell in row.cells.values()] for row in table.rows}
    assert states == {"own": ["done"], "own-values": ["skipped"]}
    line = "skipped: tones, own-values: uar is a metric of single labels, not of values; --metric ccc fits"
    assert line in table.problems


def test_a_label_is_learnt_with_auxiliary_values_and_the_file_is_that_of_the_label(corpus, tmp_path):
    beside = {
        "auxiliary": {"values": 0.5, "votes": 0.2},
        "auxiliary_losses": {"values": "mse"},
        "epochs": 2,
    }
    given = matrix(corpus, "own", "crossentropy")
    plugins, results = Plugins(), tmp_path / "results"
    results.mkdir()
    (plain,) = plan(MatrixSource(given, "the test", corpus), plugins).cells
    given["training"] |= beside
    (cell,) = plan(MatrixSource(given, "the test", corpus), Plugins()).cells
    assert len(cell.context["auxiliary"][0]) == 2
    assert "auxiliary" not in plain.context
    job = Job(cell, Selection(), results, export=True, corpora=(plugins.corpora["tones"],))
    assert run_cell(job) is None
    (directory,) = (path.parent for path in results.glob("*/result.json"))
    record = RunFiles(directory).read_record()
    assert record.error is None, record.error
    assert record.spec.training.auxiliary == beside["auxiliary"]
    assert list(verify(directory).problems) == []
    assert Predictor(directory / "model.onnx", "cpu").model.target is None
    again = replace(cell, context={**cell.context, "auxiliary": [["0", "1"]]})
    with pytest.raises(ConfigError, match="its auxiliary targets have changed since planning"):
        run_cell(replace(job, cell=again, again=True))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"auxiliary": {"value": 1}}, "corpus tones has no target 'value'; did you mean 'values'"),
        ({"auxiliary": {"label": 1}}, "'label' is what protocol 'own' of tones is about; name other targets"),
        (
            {"auxiliary": {"values": 1}, "auxiliary_losses": {"values": "bce"}},
            "'bce' does not fit 'values' of tones, which is values",
        ),
        ({"auxiliary": {"values": 1}, "augment": ["mixup"]}, "mixup mixes clips, and training.auxiliary learns"),
    ],
)
def test_auxiliary_targets_that_do_not_fit_are_one_line_at_planning(corpus, tmp_path, changes, message):
    given = matrix(corpus, "own", "crossentropy")
    given["training"] |= changes
    with pytest.raises(ConfigError, match=re.escape(message)) as refused:
        run_matrix(given, results=tmp_path / "results")
    assert "\n" not in str(refused.value)


def test_ridge_regression_predicts_values_as_a_run_and_as_a_file_whatever_the_loss(corpus, tmp_path):
    given = {**matrix(corpus, "own-values", "crossentropy"), "architectures": ["ridge"]}
    given["options"] = {"ridge": {"num_mels": 16, "n_fft": 256, "hop": 128, "f_max": 4_000}}
    plugins = Plugins()
    (cell,) = plan(MatrixSource(given, "the test", corpus), plugins).cells
    assert run_cell(Job(cell, Selection(), tmp_path, export=True, corpora=(plugins.corpora["tones"],))) is None
    (directory,) = (path.parent for path in tmp_path.glob("*/result.json"))
    record = RunFiles(directory).read_record()
    assert record.error is None, record.error
    assert record.test.metrics["ccc"] > 0.8
    assert list(verify(directory).problems) == []
    table = RunFiles(directory).read_target_predictions(record, "tones").part("test")
    found = Predictor(directory / "model.onnx", "cpu").predict([corpus / name for name in table.utterances])
    assert np.array([one.values for one in found]) == pytest.approx(np.array(table.predicted), abs=2e-3)
