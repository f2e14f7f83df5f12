"""A tiny matrix from the command line: trained, exported, restored, resumed; a changed checkpoint is run anew."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from checkpoints import write

MATRIX = """
corpora = ["synthetic-acted"]
architectures = ["wavlm", "wavlm-probe", "chance"]
strategies = ["scratch", "lora", "bottleneck"]
[training]
epochs = 1
limit = 6
window = 1.0
[options.wavlm]
checkpoint = "wavlm"
[options.wavlm-probe]
checkpoint = "wavlm"
"""


@pytest.fixture
def typed(tmp_path):
    """Type a command in an empty directory, with no way to the hub but a closed door."""

    def run(*words):
        environment = {
            **os.environ,
            "HF_ENDPOINT": "http://127.0.0.1:9",
            "EMONET_BENCH_CACHE_DIR": str(tmp_path / "cache"),
        }
        environment.pop("EMONET_BENCH_PLUGINS", None)
        command = [sys.executable, "-m", "emonet_bench", *words]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def records(tmp_path):
    return lambda: {path.parent: json.loads(path.read_text()) for path in tmp_path.glob("results/*/result.json")}


def test_a_matrix_is_run_exported_resumed_and_run_anew_with_another_checkpoint(typed, records, tmp_path):
    write(tmp_path / "wavlm", "wavlm")
    (tmp_path / "matrix.toml").write_text(MATRIX)
    first = typed("run", "matrix", "matrix.toml", "--export")
    assert first.returncode == 0, first.stderr
    found = records()
    cells = {(record["spec"]["architecture"], record["spec"]["strategy"]) for record in found.values()}
    assert cells == {
        ("chance", "scratch"),
        ("wavlm-probe", "scratch"),
        *(("wavlm", strategy) for strategy in ("scratch", "lora", "bottleneck")),
    }
    assert "lora adapts pre-trained backbones" in " ".join(first.stdout.split())
    for record in found.values():
        assert record["onnx"]["max_delta"] <= 1e-4
        if record["spec"]["architecture"] == "wavlm":
            assert record["spec"]["architecture_options"]["weights"].startswith("sha256:")
    probe = next(run for run, record in found.items() if record["spec"]["architecture"] == "wavlm-probe")
    assert typed("export", str(probe), "-o", "probe.onnx").returncode == 0  # its layer is restored, too
    lora = next(run for run, record in found.items() if record["spec"]["strategy"] == "lora")
    assert found[lora]["parameters"]["trainable"] < found[lora]["parameters"]["total"]

    exported = typed("export", str(lora), "-o", "again.onnx")  # the weights are restored from the run's directory
    assert exported.returncode == 0, exported.stderr
    assert typed("run", "matrix", "matrix.toml").returncode == 0
    assert records() == found

    write(tmp_path / "wavlm", "wavlm", seed=1)
    again = typed("run", "matrix", "matrix.toml", "--architectures", "wavlm", "--strategies", "scratch")
    assert again.returncode == 0, again.stderr
    assert len(records()) == len(found) + 1
    refused = typed(
        "export", str(next(run for run in found if run.name.startswith("synthetic-acted-wavlm"))), "-o", "x.onnx"
    )
    assert refused.returncode == 2
    assert "its files have changed since" in " ".join(refused.stderr.split())


def test_a_checkpoint_that_is_not_there_is_one_line(typed):
    run = typed("run", "matrix", "--architectures", "hubert", "--set", "options.hubert.checkpoint=nowhere")
    assert run.returncode == 2
    assert "options.hubert.checkpoint: nowhere: no such directory, nor one in EMONET_BENCH_MODELS_DIR" in " ".join(
        run.stderr.split()
    )
    assert "Traceback" not in run.stderr


def test_the_command_line_starts_without_torch_or_transformers(typed):
    code = (
        "import emonet_bench.cli, sys; from emonet_bench.plugins.loading import Plugins; Plugins(); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "emonet_ssl" in loaded
    assert not {"torch", "transformers", "peft", "huggingface_hub"} & set(loaded)
