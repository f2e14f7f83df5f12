"""What no hash shows, because the hashes were adapted: weights, predictions or truths that are not those of the run."""

import csv
import json
import shutil

import pytest
from click.testing import CliRunner
from safetensors import safe_open
from safetensors.torch import save_file

from emonet_bench.cli import main
from emonet_bench.runs.files import RunFiles
from tests.in_process import cells_in_this_process

MATRIX = """
corpora = ["synthetic-acted", "synthetic-calls"]
architectures = ["svm", "rnn"]
strategies = ["scratch", "multi-task"]
exclude = [{ architecture = "rnn", strategy = "scratch" }, { corpus = "synthetic-calls", strategy = "scratch" }]

[training]
epochs = 1
limit = 10

[options.rnn]
hidden_dim = 4
number_of_layers = 1

[options.multi-task]
adapters = true
"""


def command(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="emonet-bench")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("again")
    (folder / "matrix.toml").write_text(MATRIX)
    with cells_in_this_process():
        done = command("run", "matrix", folder / "matrix.toml", "--results", folder / "results")
    assert done.exit_code == 0, done.output
    return folder / "results"


@pytest.fixture
def joint(results, tmp_path):
    return copied(results, "*-multi-task-*", tmp_path)


@pytest.fixture
def single(results, tmp_path):
    return copied(results, "*-svm-scratch-*", tmp_path)


def copied(results, pattern, tmp_path):
    (run,) = results.glob(pattern)
    return shutil.copytree(run, tmp_path / run.name)


def change(run, how):
    record = json.loads((run / "result.json").read_text())
    how(record)
    record["files"] = RunFiles(run).hashes()
    (run / "result.json").write_text(json.dumps(record))


def disturb(file):
    with safe_open(file, framework="pt") as opened:
        tensors, header = {name: opened.get_tensor(name) for name in opened.keys()}, opened.metadata()  # noqa: SIM118
    tensors = {name: tensor + 0.1 if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    save_file({**tensors}, file, metadata=header)


def rewrite(table, how):
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        how(row)
    with table.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def problems(run):
    done = command("verify", run, "--checkpoints")
    *lines, last = done.output.splitlines()
    assert done.exit_code == (1 if "0 of 1" in last else 0), done.output
    return [line.removeprefix(f"{run.name}: ") for line in lines]


def test_untouched_checkpoints_give_what_was_recorded(results):
    done = command("verify", results, "--checkpoints")
    assert (done.exit_code, done.output) == (0, "2 of 2 runs are as stated; 2 checkpoints evaluated again.\n")


def test_other_weights_are_found(joint):
    disturb(joint / "model.safetensors")
    change(joint, lambda record: None)
    found = problems(joint)
    assert sum("clips differ from the checkpoint's by up to" in line for line in found) == 4, "dev and test of both"
    assert found[0] == "model-synthetic-acted.safetensors: other weights than model.safetensors"


@pytest.mark.parametrize("file", ["model-synthetic-calls.safetensors", "shared.safetensors"])
def test_other_weights_in_a_part_of_a_joint_run_are_found(joint, file):
    disturb(joint / file)
    change(joint, lambda record: None)
    assert "model-synthetic-calls.safetensors: other weights than model.safetensors" in problems(joint)


def test_a_damaged_part_of_a_joint_run_is_found(joint):
    (joint / "model-synthetic-acted.safetensors").write_bytes(b"nothing")
    change(joint, lambda record: None)
    (problem,) = problems(joint)
    assert problem.startswith("model-synthetic-acted.safetensors: cannot be loaded (")


def test_predictions_and_scores_that_agree_with_each_other_but_not_with_the_checkpoint_are_found(single):
    def perfect(row):
        row.update(dict.fromkeys(list(row)[5:], "0"), prediction=row["truth"])
        row[f"probability:{row['truth']}"] = "1"

    rewrite(single / "predictions.csv", perfect)

    def boast(record):
        for part, scores in record["scores"].items():
            counts = [sum(row) for row in record["confusion"][part]]
            assert all(counts), "each label occurs, so all scores of a perfect system are 1"
            scores.update(uar=1.0, accuracy=1.0, macro_f1=1.0, recall=dict.fromkeys(scores["recall"], 1.0))
            record["confusion"][part] = [
                [count * (i == k) for i in range(len(counts))] for k, count in enumerate(counts)
            ]

    change(single, boast)
    assert command("verify", single).exit_code == 0, "without the checkpoint nothing is wrong"
    found = problems(single)
    assert any(line.startswith("uar on test of synthetic-acted: stated 1.000000, but the checkpoint gives") for line in found)  # fmt: skip
    assert any(line.startswith("predictions.csv: probabilities on test of synthetic-acted: ") for line in found)


def test_another_truth_and_another_clip_are_found(single):
    first = []

    def swap(row):
        if row["partition"] == "test" and not first:
            first.append(row["utterance"])
            row["truth"] = next(
                name for column in list(row)[5:] if (name := column.removeprefix("probability:")) != row["truth"]
            )
        elif row["partition"] == "dev":
            row["utterance"] += "x"

    rewrite(single / "predictions.csv", swap)
    found = problems(single)
    assert f"predictions.csv: the truth of 1 clips on test of synthetic-acted is not the corpus's, first {first[0]}" in found  # fmt: skip
    assert "predictions.csv: the clips of dev of synthetic-acted are not those of the protocol" in found


def test_a_checkpoint_of_another_run_is_found(single):
    change(single, lambda record: record.update(run_id="0" * 16))
    assert problems(single) == ["model.safetensors: its run_id is not that of result.json"]


@pytest.mark.parametrize("content", ["nonsense", None])
def test_what_cannot_be_compared_is_a_problem(single, content):
    if content:
        rewrite(single / "predictions.csv", lambda row: row.update(dict.fromkeys(list(row)[5:], content)))
    else:
        (single / "model.safetensors").write_bytes(b"nothing")
    change(single, lambda record: None)
    assert any("cannot be compared" in line or "cannot be loaded" in line for line in problems(single))


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (lambda record: record["spec"].update(corpus="nowhere"), "unknown corpus 'nowhere'; known: "),
        (lambda record: record["spec"].update(architecture="svn"), "unknown architecture 'svn'; did you mean"),
        (lambda record: record["spec"].update(strategy="scratches"), "unknown strategy 'scratches'; did you mean"),
        (lambda record: record.update(fingerprint="0" * 16), "synthetic-acted or its protocol speakers has changed"),
        (lambda record: record.update(protocol_id="0" * 12), "synthetic-acted or its protocol speakers has changed"),
    ],
)
def test_a_run_whose_corpus_or_plugin_is_not_as_it_was_says_so_in_one_line(single, how, reason):
    change(single, how)
    (line,) = problems(single)
    assert line.startswith(f"not evaluated again: {reason}")


def test_a_run_that_kept_no_weights_says_so(single):
    (single / "model.safetensors").unlink()
    change(single, lambda record: None)
    assert problems(single) == [
        "not evaluated again: it kept no model.safetensors",
        "model.safetensors: the record states no hash of it",
    ]


def test_rounding_is_told_from_tampering_by_the_tolerance(single):
    rewrite(single / "predictions.csv", lambda row: row.update({name: f"{float(row[name]) + 1e-3}" for name in list(row)[5:]}))  # fmt: skip
    change(single, lambda record: None)
    assert command("verify", single, "--checkpoints").exit_code == 1
    assert command("verify", single, "--checkpoints", "--tolerance", "0.01").exit_code == 0
