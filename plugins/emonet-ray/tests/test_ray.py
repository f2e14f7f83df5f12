"""Cells on a real Ray cluster of three nodes on this machine, one of which dies."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

ray = pytest.importorskip("ray")
from emonet_ray.executor import RayExecutor, share  # noqa: E402 - needs ray
from emonet_ray.travel import carry_out, deliver, forget, pack  # noqa: E402
from ray.cluster_utils import Cluster  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

MATRIX = """
corpora = ["synthetic-acted", "synthetic-calls"]
architectures = ["cnn"]
strategies = ["scratch", "last-layer"]
[training]
epochs = 3
batch_size = 8
window = 0.5
limit = 8
[options.cnn]
num_mels = 16
n_fft = 256
hop = 256
number_of_resnet_blocks = 1
number_of_filters = 4
"""


@pytest.fixture(scope="module")
def cluster():
    node = {"num_cpus": 1}
    made = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    made.mortal = [made.add_node(**node), made.add_node(**node)]
    made.wait_for_nodes()
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def executor(cluster, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    made = RayExecutor(3)
    yield made
    made.shutdown(cancel_futures=True)


def test_a_call_returns_its_value_or_raises_its_own_error(executor):
    assert executor.submit(divmod, 7, 2).result(timeout=120) == (3, 1)
    assert isinstance(executor.submit(divmod, 7, 0).exception(timeout=120), ZeroDivisionError)


def test_a_process_that_dies_on_every_node_is_a_broken_executor(executor):
    assert isinstance(executor.submit(os._exit, 1).exception(timeout=300), BrokenExecutor)


@dataclass(frozen=True)
class Job:
    results: Path
    source: Path | None = None


def train(job):
    run = job.results / "run-1"
    run.mkdir(parents=True)
    (run / "result.json").write_text(json.dumps({"source": (job.source / "model.safetensors").read_text()}))


def test_where_the_disk_is_not_shared_the_source_travels_and_the_result_comes_back(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "model.safetensors").write_text("weights")
    (source / "predictions.csv").write_text("much")
    parcel = pack(train, (Job(tmp_path / "results", source),), {})
    assert set(parcel.source) == {"model.safetensors"}
    parcel.token.unlink()  # so the node does not see it
    (source / "model.safetensors").unlink()
    returned = carry_out(parcel)
    assert not (tmp_path / "results" / "run-1").exists()
    assert deliver(parcel, returned) is None
    forget(parcel)
    assert json.loads((tmp_path / "results" / "run-1" / "result.json").read_text()) == {"source": "weights"}
    assert not list((tmp_path / "results" / ".pending").iterdir())


def test_where_the_disk_is_shared_the_cell_writes_in_place(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "model.safetensors").write_text("weights")
    parcel = pack(train, (Job(tmp_path / "results", source),), {})
    assert carry_out(parcel).runs == {}
    assert (tmp_path / "results" / "run-1" / "result.json").exists()


@pytest.mark.parametrize(("gpus", "workers", "expected"), [(4, 4, 1), (4, 2, 1), (2, 4, 0.5), (1, 8, 0.125)])
def test_cells_share_gpus_in_equal_parts_that_fit(gpus, workers, expected):
    assert share(gpus, workers) == expected


def scores(results):
    records = [json.loads(path.read_text()) for path in results.glob("[!.]*/result.json")]
    return {record["run_id"]: record["scores"] for record in records}


def matrix(tmp_path, name, *arguments):
    file = tmp_path / "matrix.toml"
    file.write_text(MATRIX)
    command = [sys.executable, "-m", "emonet_bench", "run", "matrix", file, "--results", tmp_path / name, *arguments]
    environment = {**os.environ, "EMONET_BENCH_CACHE_DIR": str(tmp_path / "cache")}
    return subprocess.Popen([*map(str, command)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_a_matrix_completes_with_the_same_scores_when_a_node_dies_in_the_middle(tmp_path, cluster):
    alone = matrix(tmp_path, "alone", "--jobs", "1")
    said, _ = alone.communicate(timeout=600)
    assert alone.returncode == 0, said
    on_ray = matrix(tmp_path, "ray", "--executor", "ray", "--ray-address", cluster.address, "--jobs", "3")
    pending = tmp_path / "ray" / ".pending"
    while not list(pending.glob("*/log.txt")):
        time.sleep(0.05)
        assert on_ray.poll() is None
    cluster.remove_node(cluster.mortal[0], allow_graceful=False)
    said, _ = on_ray.communicate(timeout=600)
    assert on_ray.returncode == 0, said
    assert len(scores(tmp_path / "ray")) == 4
    assert scores(tmp_path / "ray") == scores(tmp_path / "alone")
