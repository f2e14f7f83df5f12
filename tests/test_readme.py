"""Every command that README, CONTRIBUTING and docs/ tell a reader to type is typed by somebody: here or in the checks.

A command in a ``bash`` or ``console`` fence is listed below, or it is run here, in an empty directory, and must succeed within
three minutes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emonet_bench.plugins.loading import Plugins

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])

# A newcomer's way, in this order; RUN stands for a directory in results/.
STORY = (
    "pip install .",
    "emonet-bench run matrix",
    "emonet-bench report results",
    "emonet-bench export results/RUN -o model.onnx",
    "emonet-bench show model.onnx",
    "emonet-bench card model.onnx -o card",
    "emonet-bench predict model.onnx clip.wav",
)
# Typed by .ci/run itself, or by whoever starts it.
CHECKS = {
    "tox -e downstream",
    "pip install tox",
    "tox",
    "tox -e lint",
    "tox -e py311 -- tests/metrics/test_classification.py",
    "tox -e py311 -- -m slow",
}
# test_an_example_runs_on_real_speech; the directory is the reader's own.
EXAMPLES = {f"emonet-bench run matrix examples/{path.name}" for path in ROOT.glob("examples/*.toml")}
# test_emonets_own_commands_work_in_a_shell.
TABLES = {"docs/emonet.md"}
# Typed with other names, each by the test beside it.
LIKEWISE = {
    "emonet-bench export results/RUN -o model.onnx --quantize int8": "test_a_run_is_exported_in_8_bits_beside_its_model",
    "emonet-bench export results/RUN -o model.onnx --calibrate --abstain-risk 0.2": "test_a_run_is_calibrated_on_its_dev",
    "emonet-bench export results/RUN results/RUN ... --bank -o bank.onnx": "test_a_joint_run_makes_a_bank",
    "emonet-bench predict bank.onnx --task emodb clip.wav": "test_a_joint_run_makes_a_bank",
    "emonet-bench serve model.onnx": "test_a_signal_lets_what_runs_finish",
    "emonet-predict serve model.onnx --host 0.0.0.0 --api-key-file keys": "test_an_address_beyond_this_machine",
    "emonet-predict page model.onnx -o page/": "test_the_runtime_may_be_a_folder",
    "curl -F file=@clip.wav -F window=1 -F hop=0.5 localhost:8000/v1/audio/emotions": "test_a_file_scores_as_the_predictor",
    'curl -H "Authorization: Bearer $KEY" localhost:8000/v1/models': "test_any_of_the_keys_opens",
    'srun emonet-bench run matrix matrix.toml --results results --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"': (
        "test_the_script_for_job_arrays_works"
    ),
}
# Clients, streams and a second distribution: likewise.
LIKEWISE |= {
    "./verify model.onnx model.json": "test_the_c_program_verifies_a_model",
    "cc verify.c -o verify -lonnxruntime -lm": "test_the_c_program_verifies_a_model",
    "npm install onnxruntime-node": "test_the_script_verifies_a_model",
    "node verify.mjs model.onnx": "test_the_script_verifies_a_model",
    "arecord -f S16_LE -r 16000 | emonet-predict model.onnx --stream --window 2 --hop 0.5": "test_a_stream_says_what_the_file",
    "ffmpeg -i URL -f s16le -ar 16000 -ac 1 - | emonet-predict model.onnx --stream --encoding s16le --rate 16000 --window 2": (
        "test_a_stream_says_what_the_file"
    ),
    "emonet-predict model.onnx call.wav --window 2 --hop 0.5 --smooth 2 --min-duration 1 --gate -50 --format textgrid "
    "-o call.TextGrid": "test_timelines_come_in_each_format",
    "emonet-predict model.onnx calls/ --window 2 --hop 0.5 --smooth 2 --gate silero --format webvtt -o captions/": (
        "test_each_recording_has_the_annotation_that"
    ),
    "emonet-predict model.onnx clip.wav": "test_what_names_no_command_is_predicted",
    "emonet-predict model.onnx clip.wav calls/ --format csv": "test_csv_holds_what_the_predictor_says",
    "emonet-predict serve model.onnx": "test_a_signal_lets_what_runs_finish",
    "pip install './predict[cpu]'": "test_a_clean_environment_is_small_and_quick",
}
SETTINGS = {
    "export EMONET_BENCH_CORPORA_DIR=/path/to/corpora",
    'export SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"',
}


def fences(page: Path, kinds: str) -> list[tuple[str, str]]:
    """Return the kind and the content of a page's fences of some kinds."""
    return re.findall(rf"^```({kinds})\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[str]:
    """Return the commands of a page, each on one line."""
    found = []
    for kind, block in fences(page, "bash|console"):
        for line in block.replace("\\\n", " ").splitlines():
            if kind == "console" and not line.startswith("$ "):
                continue
            command = " ".join(re.sub(r"(^|\s)#.*", "", line.removeprefix("$ ")).split())
            if command:
                found.append(command)
    return found


def at_once() -> list[str]:
    """Return the commands that nobody else types."""
    tutorial = commands(ROOT / "docs" / "tutorial.md")  # tests/test_tutorial.py
    elsewhere = {*STORY, *CHECKS, *EXAMPLES, *LIKEWISE, *SETTINGS, *tutorial}
    named = {
        re.sub(r"^EMONET_BENCH_CORPORA_DIR=\S+ ", "", command)
        for page in PAGES
        if page.relative_to(ROOT).as_posix() not in TABLES
        for command in commands(page)
    }
    return sorted(named - elsewhere)


def typed(command: str, directory: Path, *, binaries: Path = Path(sys.executable).parent, minutes: float = 3) -> str:
    """Run a command as a reader would and return what it prints."""
    environment = {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60 * minutes,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


def test_commands_are_found_in_the_pages():
    assert "emonet-bench run matrix" in commands(ROOT / "docs" / "getting-started.md")
    assert "tox -e lint" in commands(ROOT / "CONTRIBUTING.md")


@pytest.mark.parametrize("command", at_once())
def test_a_command_works(command, tmp_path):
    assert typed(command, tmp_path)


@pytest.mark.parametrize("name", sorted(set(LIKEWISE.values())))
def test_a_command_typed_elsewhere_has_its_test(name):
    assert any(f"def {name}" in path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.slow
def test_the_script_for_job_arrays_works(tmp_path):
    (script,) = [block for _, block in fences(ROOT / "docs" / "reliability.md", "bash") if "#SBATCH" in block]
    (tmp_path / "srun").write_text('#!/bin/bash\nexec "$@"\n', encoding="utf-8")
    (tmp_path / "srun").chmod(0o755)
    (tmp_path / "matrix.toml").write_text(
        'corpora = ["synthetic-acted", "synthetic-calls"]\narchitectures = ["chance"]\ntraining.limit = 8\n',
        encoding="utf-8",
    )
    for number in (1, 2):
        setting = f"export PATH=$PWD:$PATH SLURM_ARRAY_TASK_ID={number} SLURM_ARRAY_TASK_COUNT=2"
        typed(f"{setting}\n{script}", tmp_path, minutes=5)
    assert len(list(tmp_path.glob("results/*/result.json"))) == 2


@pytest.mark.slow
def test_a_newcomers_commands_work_in_a_fresh_environment(tmp_path):
    binaries = fresh_environment(tmp_path / "venv")
    typed(STORY[0], ROOT, binaries=binaries, minutes=10)
    assert Path(typed("command -v emonet-bench", tmp_path, binaries=binaries).strip()).parent == binaries
    printed = typed(STORY[1], tmp_path, binaries=binaries, minutes=10)
    runs = [path for path in (tmp_path / "results").iterdir() if (path / "result.json").is_file()]
    records = [json.loads((run / "result.json").read_text(encoding="utf-8")) for run in runs]
    assert len(records) >= 6
    assert all(record["synthetic"] and "error" not in record for record in records)
    assert "synthetic" in printed
    assert "emonet-bench export" in printed.splitlines()[-1]
    soundfile.write(tmp_path / "clip.wav", np.random.default_rng(0).normal(0, 0.1, 24_000), 16_000)
    for command in STORY[2:]:
        assert typed(command.replace("RUN", runs[0].name), tmp_path, binaries=binaries)
    for _, script in fences(ROOT / "docs" / "deployment.md", "python"):
        (tmp_path / "script.py").write_text(script, encoding="utf-8")
        typed("python script.py", tmp_path, binaries=binaries)


def fresh_environment(directory: Path) -> Path:
    """Create an environment that has this one's packages within reach, so that torch is not installed twice."""
    venv.create(directory, with_pip=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (here,) = {path for path in sys.path if path.endswith("site-packages") and path.startswith(sys.prefix)}
    (directory / "lib" / version / "site-packages" / "installed.pth").write_text(here, encoding="utf-8")
    return directory / "bin"


@pytest.mark.slow
@pytest.mark.parametrize("command", sorted(EXAMPLES))
def test_an_example_runs_on_real_speech(command, corpora_dir, tmp_path):
    matrix = tomllib.loads((ROOT / command.split()[-1]).read_text(encoding="utf-8"))
    teachers = {given["teacher"] for given in matrix.get("options", {}).values() if "teacher" in given}
    if absent := {*matrix["architectures"], *teachers} - set(Plugins().architectures):
        pytest.skip(f"needs the package that registers {sorted(absent)}")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    small = f"{command} --corpora-dir {corpora_dir} --limit 14 --seeds 0 --set training.epochs=1"
    if "transfer" in command:  # hundreds of cells: a part of them, from short sources
        small += " --strategies scratch,adapters --shard 1/12"
        small += " --set source_training.epochs=1 --set source_training.steps_per_epoch=1"
    assert "UAR" in typed(small, tmp_path, minutes=10)
