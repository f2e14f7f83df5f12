"""The plan that ``run matrix --dry-run`` prints, its estimate, and shards."""

import subprocess
import sys

import pytest

from emonet_bench.cli.plan import Plan, chosen_shard
from emonet_bench.config import Training
from emonet_bench.errors import ConfigError
from emonet_bench.plugins import Plugins, Selection
from emonet_bench.probe import probe
from emonet_bench.runs import RunSpec
from tests.test_schedule import cell


def spec(architecture, **options):
    registered = Plugins().architectures[architecture].options
    return RunSpec(
        corpus="c",
        protocol="p",
        architecture=architecture,
        architecture_options=registered(**options).model_dump(mode="json"),
        strategy="scratch",
        strategy_options={},
        training=Training(batch_size=4, window=0.5, device="cpu", precision="float32"),
        seed=0,
    )


def test_a_probe_measures_time_and_memory_of_a_training_step():
    small = {"num_mels": 16, "n_fft": 256, "hop": 256, "number_of_resnet_blocks": 1, "number_of_filters": 4}
    measured = probe(spec("cnn", **small), Selection())
    assert 0 < measured.seconds < 60
    assert measured.memory_mb > 50


def test_what_needs_no_steps_is_not_probed():
    assert probe(spec("chance"), Selection()) is None


def test_a_shard_holds_its_share_of_the_cells():
    cells = [cell(name) for name in "abcd"]
    planned = Plan(cells, Plugins(Selection(names=())), {c.run_id: 10 for c in cells})
    shares = [chosen_shard(planned, f"{number}/2").cells for number in (1, 2)]
    assert [len(share) for share in shares] == [2, 2]
    assert chosen_shard(planned, None) is planned


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2"])
def test_a_wrong_shard_is_refused(text):
    with pytest.raises(ConfigError, match=f"--shard {text}: write it as i/n"):
        chosen_shard(Plan([], Plugins(Selection(names=())), {}), text)


def test_planning_imports_no_torch():
    code = "import sys, emonet_bench.cli.plan, emonet_bench.cli.dry_run; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ten_thousand_cells_are_planned_within_five_seconds_and_300_megabytes(tmp_path):
    file = tmp_path / "matrix.toml"
    file.write_text(
        'corpora = ["synthetic-acted", "synthetic-calls"]\narchitectures = ["cnn"]\n'
        f"seeds = {list(range(500))}\n[training]\nepochs = {list(range(1, 11))}\n"
    )
    code = f"""
import time
from pathlib import Path
from rich.console import Console
from emonet_bench.cli import dry_run
from emonet_bench.cli.plan import plan
from emonet_bench.config import read_toml
from emonet_bench.plugins import Plugins, Selection

def peak_memory_mb():
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) // 1024

values = read_toml(Path({str(file)!r}))
started = time.process_time()
planned = plan(values, "m", Plugins(), Console())
dry_run._costs = lambda *_: {{}}  # a probe runs in a process of its own
dry_run.show(planned, Selection(), {{"results": Path("r"), "jobs": "2", "force": False, "retry_failed": False}}, Console())
assert len(planned.cells) == 10_000
assert time.process_time() - started < 5
assert peak_memory_mb() < 300
"""
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)  # builds the corpora's stores
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "10000 cells: 10000 to run." in done.stdout
