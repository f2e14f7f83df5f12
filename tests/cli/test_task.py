"""EmoNet's command line: the tables of its README held against the commands, and each command run on a few tones."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from sklearn.metrics import recall_score

from emonet_bench.cli import main
from emonet_bench.cli.task import group
from emonet_bench.networks import corpus_of
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.training.checkpoints import load

ROOT = Path(__file__).parents[2]
# short, long, default; as EmoNet's README and its help have them
COMMON = """
-dp --data-path required
-bs --batch-size 64
-nm --num-mels 128
-p --patience 20
-im --initial-model none
-bw --balanced-weights flag
-lr --learning-rate 0.1
-ebp --experiment-base-path ./residual-adapters
-o --optimizer sgd
-w --window none
-l --loss crossentropy
-nw --n-workers 5
-ib --input-bn flag
-rn --random-noise none
-rd --rnn-dropout 0.2
-sfl --share-feature-layer flag
-iwd --individual-weight-decay flag
"""
SINGLE = """
-t --task required
-tr --train-csv required
-v --val-csv required
-te --test-csv required
-e --epochs 1000
-m --mode scratch
"""
JOINT = """
-mts --multi-task-setup required
-t --tasks required
-e --epochs 50
-spe --steps-per-epoch 20
"""
RESNET = """
-do --dropout 0.0,0.5
-N --number-of-resnet-blocks 2
-nf --number-of-filters 32
-wf --widen-factor 1
"""
CNN = """
-c --classifier avgpool
"""
RECURRENT = """
-hd --hidden-dim 512
-nl --number-of-layers 2
-ct --cell-type lstm
-sa --share-attention flag
-ua --use-attention flag
-ip --input-projection flag
- --down-pool 8
- --bidirectional flag
"""
MFCC = """
-mfcc --num-mfccs 40
"""
OF = {"cnn": RESNET + CNN, "rnn": RECURRENT + MFCC, "fusion": RESNET + RECURRENT}
CHOICES = {
    "optimizer": {"sgd", "rmsprop", "adam", "adadelta"},
    "loss": {"crossentropy", "focal", "ordinal"},
    "mode": {"scratch", "adapters", "last-layer", "finetune"},
    "classifier": {"avgpool", "FCNAttention"},
    "cell_type": {"lstm", "gru"},
}


@pytest.fixture(scope="module")
def registered():
    return Plugins(Selection(strict=True))


def parameters(registered, architecture, command):
    made = group(registered.architectures[architecture], registered).commands[command]
    return {parameter.opts[-1]: parameter for parameter in made.params}


def shown_default(parameter):
    if parameter.required:
        return "required"
    value = parameter.to_info_dict()["default"]
    if parameter.is_flag:
        return "flag" if value is False else "flag, on"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "none" if value is None else str(value)


@pytest.mark.parametrize("command", ["single-task", "multi-task"])
@pytest.mark.parametrize("architecture", ["cnn", "rnn", "fusion"])
def test_the_commands_have_every_option_of_emonet(registered, architecture, command):
    made = parameters(registered, architecture, command)
    table = COMMON + OF[architecture] + (SINGLE if command == "single-task" else JOINT)
    for short, long, default in (line.split() for line in table.split("\n") if line):
        parameter = made[long]
        assert (parameter.opts[0] if len(parameter.opts) > 1 else "-") == short
        assert (long, shown_default(parameter)) == (long, default)
        assert parameter.help


@pytest.mark.parametrize("architecture", ["cnn", "rnn", "fusion"])
def test_choices_are_emonets_or_more(registered, architecture):
    made = {parameter.name: parameter for parameter in parameters(registered, architecture, "single-task").values()}
    for name, choices in CHOICES.items():
        if name in made:
            assert choices <= set(made[name].type.choices)


def test_every_registered_architecture_has_the_three_commands(registered):
    for architecture in registered.architectures.values():
        assert list(group(architecture, registered).commands) == ["single-task", "multi-task", "evaluate"]


TOY = """
from emonet_bench import hookimpl
from emonet_bench.config import Options, option
from emonet_bench.types import Architecture

class ToyOptions(Options):
    width: int = option(3, "Nothing.", short="-e", ge=1)
    pair: tuple[int, float] = option((1, 0.5), "Two things.", short="-pr")
    words: tuple[str, ...] = option(("a",), "Several.")
    loud: bool = option(True, "On unless said otherwise.")
    maybe: float | None = option(None, "None or a number.", gt=0)

def build(options, input_spec):
    from tests.toys import Toy
    return Toy()

@hookimpl
def emonet_architectures():
    return [Architecture("toy", "toy", ToyOptions, build)]
"""


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """Run a command line in this process, its cell in a thread, with a toy architecture of a single file."""
    (tmp_path / "toy.py").write_text(TOY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EMONET_BENCH_PLUGINS", "cnn,transfer")
    monkeypatch.setattr("emonet_bench.matrix.run_matrix.executor_factory", lambda *_: lambda: ThreadPoolExecutor(1))

    def run(line):
        arguments = ["--plugin", "toy.py", *line.split()]
        return CliRunner().invoke(main, arguments, prog_name="emonet-bench", catch_exceptions=False)

    return run


@pytest.fixture
def data(tmp_path):
    """Tables and tones of two tasks; what is heard tells the label."""
    generator = np.random.default_rng(0)
    (tmp_path / "wavs").mkdir()
    for task, labels, dev in (("one", ("low", "high"), "devel"), ("two", ("a", "b", "c"), "val")):
        folder = tmp_path / "setup" / task
        folder.mkdir(parents=True)
        for part, clips in (("train", 12), (dev, 6), ("test", 6)):
            rows = [(f"{task}-{part}-{i}.wav", labels[i % len(labels)]) for i in range(clips)]
            for i, (name, label) in enumerate(rows):
                time = np.arange(8_000 + 500 * i) / 16_000
                tone = 0.3 * np.sin(2 * np.pi * 300 * (1 + labels.index(label)) * time)
                soundfile.write(tmp_path / "wavs" / name, tone + generator.normal(0, 0.01, len(time)), 16_000)
            with (folder / f"{part}.csv").open("w", newline="") as stream:
                csv.writer(stream).writerows([("file", "label"), *rows])
    return tmp_path


ONE = "-dp wavs -t one -tr setup/one/train.csv -v setup/one/devel.csv -te setup/one/test.csv -e 2 -bs 4"
BOTH = "-dp wavs -mts setup -t one two -e 1 -spe 2 -bs 4"


def runs(place="residual-adapters"):
    return sorted(path for path in Path(place).iterdir() if not path.name.startswith("."))


def record_of(path):
    return json.loads((path / "result.json").read_text())


def test_single_task_trains_emonets_recipe_and_leaves_one_checkpoint(bench, data):
    done = bench(f"toy single-task {ONE} -w 0.3 -pr 2 0.25 --no-loud --words x --words y")
    assert done.exit_code == 0, done.output
    (run,) = runs()
    assert run.name.startswith("one-toy-scratch-s0-")
    spec = record_of(run)["spec"]
    training = spec["training"]
    assert [path.name for path in run.glob("*.safetensors")] == ["model.safetensors"]
    assert {"predictions.csv", "history.csv", "result.json"} <= {path.name for path in run.iterdir()}
    assert spec["architecture_options"] == {
        "width": 3, "pair": [2, 0.25], "words": ["x", "y"], "loud": False, "maybe": None,
    }  # fmt: skip
    assert (training["schedule"], training["optimizer"], training["learning_rate"]) == ("stages", "sgd", 0.1)
    assert (training["label_smoothing"], training["balanced_weights"], training["weight_decay"]) == (0, False, 2e-6)
    assert (training["window"], training["short_clips"], training["evaluation"]) == (0.3, "pad", "centre")
    assert training["precision"] == "float32"
    assert f"Next: emonet-bench export {run} -o model.onnx" in done.stdout.replace("\n", " ")


def test_another_precision_than_emonets_may_be_asked_for(bench, data):
    done = bench(f"toy multi-task {BOTH} --precision bfloat16")
    assert done.exit_code == 0, done.output
    assert record_of(runs()[0])["spec"]["training"]["precision"] == "bfloat16"


def test_a_source_that_hears_otherwise_is_refused_with_the_flag(bench, data):
    small = "-nf 2 -N 1 -nm 8 -c FCNAttention"
    done = bench(f"cnn single-task {ONE} -e 1 {small}")
    assert done.exit_code == 0, done.output
    refused = bench(f"cnn single-task {ONE} -m finetune -im {runs()[0]} --hop 256")
    assert refused.exit_code == 2
    assert re.fullmatch(
        rf"Error: -im {re.escape(str(runs()[0]))}: it was trained with --hop 512, this network has 256; "
        "set --hop to 512, or train the source with 256\n",
        refused.stderr,
    )


def test_a_task_named_like_a_registered_corpus_is_the_users_own(bench, data, monkeypatch):
    monkeypatch.setenv("EMONET_BENCH_PLUGINS", "corpora,transfer")
    done = bench(f"toy single-task {ONE.replace('-t one', '-t emodb')}")
    assert done.exit_code == 0, done.output
    assert record_of(runs()[0])["labels"] == ["high", "low"]
    assert record_of(runs()[0])["spec"]["training"]["evaluation"] == "whole"


def test_the_same_command_again_runs_nothing_unless_forced(bench, data):
    for force, note in (("", "1 finished"), ("", "on disk already"), ("--force", "1 finished")):
        done = bench(f"toy single-task {ONE} {force}")
        assert note in done.stdout
        assert ("on disk already" in done.stdout) == (note == "on disk already")
    assert len(runs()) == 1


def test_the_workers_are_the_threads_that_read_audio(bench, data, monkeypatch):
    wanted = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, threads):
            wanted.append(threads)
            super().__init__(threads)

    monkeypatch.setattr("emonet_bench.audio.sample_cache.ThreadPoolExecutor", Pool)
    assert bench(f"toy single-task {ONE} -nw 3").exit_code == 0
    assert wanted == [3]


@pytest.mark.parametrize("mode", ["finetune", "last-layer", "adapters"])
def test_transfer_starts_from_a_run_or_its_checkpoint_with_the_sources_options(bench, data, mode):
    assert bench(f"toy single-task {ONE} -e 1 --width 5").exit_code == 0
    (source,) = runs()
    again = ONE.replace("one", "two").replace("devel", "val")
    sources = (source, source / "model.safetensors")
    for place in sources:
        done = bench(f"toy single-task {again} -m {mode} -im {place}{' -iwd' if mode == 'adapters' else ''}")
        assert done.exit_code == 0, done.output
    (run,) = (path for path in runs() if path != source)
    assert record_of(run)["spec"]["architecture_options"]["width"] == 5
    assert len(record_of(run)["spec"]["source"]) == 64
    assert record_of(run)["spec"]["strategy_options"].get("individual_weight_decay", True) is True


def test_multi_task_trains_all_tasks_and_keeps_each_ones_own_parameters_apart(bench, data):
    done = bench(f"toy multi-task {BOTH} -sfl")
    assert done.exit_code == 0, done.output
    (run,) = runs()
    found = record_of(run)
    assert run.name.startswith("one+two-toy-multi-task-s0-")
    assert set(found["per_corpus"]) == {"one", "two"}
    assert found["spec"]["strategy_options"]["share_feature_layer"] is True
    whole = load(run).tensors
    for task, other in (("one", "two"), ("two", "one")):
        part = load(run / f"model-{task}.safetensors")
        assert list(part.header["corpora"]) == [task]
        assert part.tensors.keys() == {name for name in whole if corpus_of(name) != other}
        assert all(part.tensors[name].equal(whole[name]) for name in part.tensors)
    sizes = {path.name: path.stat().st_size for path in run.glob("*.safetensors")}
    assert sizes.keys() == {"model.safetensors", "model-one.safetensors", "model-two.safetensors", "shared.safetensors"}


def test_adapters_start_from_the_shared_layers_of_a_multi_task_run_and_other_modes_say_why_not(bench, data):
    assert bench(f"toy multi-task {BOTH}").exit_code == 0
    (source,) = runs()
    shared = load(source).tensors["network.dense.weight"]
    done = bench(f"toy single-task {ONE} -m adapters -im {source}")
    assert done.exit_code == 0, done.output
    (run,) = (path for path in runs() if path != source)
    assert load(run).tensors["network.dense.weight"].equal(shared)
    refused = bench(f"toy single-task {ONE} -m finetune -im {source}")
    assert refused.exit_code == 2
    assert re.fullmatch(
        rf"Error: -im {re.escape(str(source))}: its adapters at adapter cannot be made part of .*without adapters\n",
        refused.stderr,
    )


def test_evaluate_scores_a_table_as_the_run_did(bench, data):
    assert bench(f"toy multi-task {BOTH} -w 0.3").exit_code == 0
    (run,) = runs()
    done = bench(f"toy evaluate -im {run} -dp wavs -te setup/two/test.csv -t two -o out.csv")
    assert done.exit_code == 0, done.output
    with Path("out.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    columns = [f"probability:{label}" for label in "abc"]
    assert list(rows[0]) == ["filename", *columns, "predicted", "true"]
    with (run / "predictions-two.csv").open() as stream:
        before = {row["utterance"]: row for row in csv.DictReader(stream) if row["partition"] == "test"}
    assert len(rows) == len(before) == 6
    for row in rows:
        assert row["predicted"] == before[row["filename"]]["prediction"]
        assert np.allclose(
            [float(row[x]) for x in columns],
            [float(before[row["filename"]][x]) for x in columns],
            atol=1e-5,
        )
    uar = recall_score([row["true"] for row in rows], [row["predicted"] for row in rows], average="macro")
    assert f"UAR {uar:.3f}" in done.stdout


def test_evaluate_says_what_is_wrong(bench, data):
    assert bench(f"toy multi-task {BOTH}").exit_code == 0
    (run,) = runs()
    common = f"evaluate -im {run} -dp wavs -te setup/two/test.csv"
    for line, words in (
        (f"toy {common}", "it was trained on 'one', 'two'; choose one with -t"),
        (f"toy {common} -t too", "has no such task; did you mean 'two'?"),
        (f"toy {common} -t one", "the network knows no label 'a', 'b', 'c'"),
        (f"cnn {common}", "it is a toy, not a cnn"),
        (f"toy {common.replace(str(run), 'toy.py')}", "not a readable checkpoint"),
        (f"toy {common} -t two -o wavs/absent/out.csv", "-o wavs/absent/out.csv: cannot be written"),
    ):
        done = bench(line)
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.output
        assert words in done.stderr


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"cnn single-task {ONE}", "avgpool needs clips of one length; set -w/--window"),
        (f"toy single-task {ONE} -m adapters", "-m adapters starts from a trained network: name its run"),
        (f"toy single-task {ONE} -im toy.py", "-im toy.py: scratch starts from random weights"),
        (f"toy single-task {ONE} -m finetune -im toy.py", "toy.py: not a readable checkpoint"),
        (f"toy single-task {ONE} -t a+b", "-t a+b: a task's name must not hold '+'"),
        (f"toy single-task {ONE} -bs 1", "'--batch-size': input should be greater than or equal to 2; got '1'"),
        (f"toy single-task {ONE} --maybe -1", "'--maybe': input should be greater than 0"),
        (f"toy single-task {ONE} -o sdg", "'sdg' is not one of"),
        (f"toy single-task {ONE} -tr absent.csv", "'absent.csv' does not exist"),
        (f"toy single-task {ONE} -p none", "needs -p/--patience"),
        (f"toy single-task {ONE.replace('-t one', '')}", "Missing option '-t' / '--task'"),
        (f"toy multi-task {BOTH.replace('two', 'too')}", "-t/--tasks too: setup has no folder of that name"),
        (f"toy multi-task {BOTH.replace('two', '')}", "name at least two tasks"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_flag(bench, data, line, words):
    done = bench(line)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.output
    assert words in done.stderr
    assert not Path("residual-adapters").exists()


def test_a_third_partys_architecture_is_listed_and_its_taken_short_flag_gives_way(bench, data):
    listed = bench("--help").stdout
    assert re.search(r"Architectures.*toy", listed, re.DOTALL)
    shown = bench("toy single-task --help").stdout
    assert "--width" in shown
    assert "--loud/--no-loud" in shown.replace("\n", "")
    assert "did you mean 'toy'?" in bench("toi single-task").stderr


def test_an_architecture_named_like_a_command_is_an_error(bench, tmp_path):
    (tmp_path / "toy.py").write_text(TOY.replace('Architecture("toy"', 'Architecture("report"'))
    done = bench("plugins list --strict")
    assert done.exit_code == 1
    assert "architecture 'report' has the name of a command; rename it" in done.stdout


def test_an_architecture_named_like_a_plugins_command_is_an_error(bench, tmp_path):
    command = "\n@hookimpl\ndef emonet_commands(cli):\n    cli.command('cnn')(lambda: None)\n"
    (tmp_path / "toy.py").write_text(TOY + command)
    done = bench("cnn --help")
    assert done.exit_code == 2
    assert re.match(r"Error: architecture 'cnn' of cnn \(.*\) has the name of a command of toy", done.stderr)


def test_help_of_a_task_imports_no_torch():
    code = "import sys\nfrom emonet_bench.cli import main\ntry: main(sys.argv[1:])\nexcept SystemExit: pass\n"
    code += "sys.exit(str('torch' in sys.modules))"
    command = [sys.executable, "-c", code, "cnn", "single-task", "--help"]
    assert subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip() == "False"


def test_weights_of_emonet_itself_are_a_source(bench, data, golden_dir):
    line = f"cnn single-task {ONE} -nm 20 -e 1 -im {golden_dir}"
    for file, mode in (("plain", "last-layer"), ("adapters", "adapters"), ("adapters", "finetune")):
        done = bench(f"{line}/cnn-fcnattention-{file}.h5 -m {mode}")
        assert done.exit_code == 0, done.output
    (run,) = (path for path in runs() if "-adapters-" in path.name)
    options = record_of(run)["spec"]["architecture_options"]
    assert (options["number_of_filters"], options["classifier"], options["triangles"]) == (8, "FCNAttention", "mel")
    (run,) = (path for path in runs() if "-finetune-" in path.name)
    assert record_of(run)["notes"]["start"].startswith("the network of ")


@pytest.mark.slow
def test_emonets_own_commands_work_in_a_shell(data):
    """Its README's, with ``emonet-bench`` in place of ``python -m emonet.cli``, and those of docs/emonet.md."""
    small = "-e 1 -p 1 -bs 4 -nm 8 -nf 2 -N 1"
    for part in ("train", "test"):
        (data / f"{part}.csv").write_text((data / "setup" / "one" / f"{part}.csv").read_text())
    (data / "devel.csv").write_text((data / "setup" / "one" / "devel.csv").read_text())
    page = (ROOT / "docs" / "emonet.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line]
    assert len(lines) >= 4
    readme = "emonet-bench -v cnn single-task -t one --data-path wavs -tr train.csv -v devel.csv -te test.csv"
    for line in ["emonet-bench --help", "emonet-bench cnn --help", f"{readme} -w 0.5", *lines]:
        command = line.replace("emodb", "one").replace("urdu", "two")
        for found in (data / "residual-adapters").glob("*multi-task*"):
            command = command.replace("MULTI-TASK-RUN", found.name)
        command += f" {small}" if "-task " in command else ""
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", command], cwd=data, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
