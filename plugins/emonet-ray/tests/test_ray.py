"""Cells on a real Ray cluster of three nodes on this machine, one of which dies."""

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from emonet_bench.config import Training
from emonet_bench.errors import ConfigError

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
def executor(cluster):
    made = RayExecutor(3, cluster.address)
    yield made
    made.shutdown(cancel_futures=True)


def test_a_call_returns_its_value_or_raises_its_own_error(executor):
    assert executor.submit(divmod, 7, 2).result(timeout=120) == (3, 1)
    assert isinstance(executor.submit(divmod, 7, 0).exception(timeout=120), ZeroDivisionError)


def test_auto_counts_what_the_whole_cluster_carries(executor):
    assert [executor.capacity(threads, "cpu") for threads in (1, 2, 3)] == [3, 1, 1]


@pytest.mark.parametrize(
    ("device", "cluster_has", "asked", "at_once"),
    [
        ("cuda", {"CPU": 16.0, "GPU": 2.0}, {"num_cpus": 2, "num_gpus": 1.0}, 2),
        ("cuda", {"CPU": 16.0}, {"num_cpus": 2}, 8),
        ("cpu", {"CPU": 16.0, "GPU": 2.0}, {"num_cpus": 2}, 8),
    ],
)
def test_gpus_are_asked_for_only_where_the_cluster_has_some(executor, monkeypatch, device, cluster_has, asked, at_once):
    monkeypatch.setattr(ray, "cluster_resources", lambda: cluster_has)
    monkeypatch.setattr(ray, "nodes", lambda: [{"Alive": True, "Resources": cluster_has}])
    monkeypatch.setattr(executor, "_widest", cluster_has["CPU"])
    job = SimpleNamespace(cell=SimpleNamespace(spec=SimpleNamespace(training=Training(threads=2, device=device))))
    assert executor.capacity(2, device) == at_once
    assert executor._resources((job,)) == asked


def test_a_cell_with_more_threads_than_any_node_has_cores_is_refused(executor, tmp_path):
    spec = SimpleNamespace(training=Training(threads=2, device="cpu"))
    job = SimpleNamespace(cell=SimpleNamespace(spec=spec), results=tmp_path, source=None)
    with pytest.raises(ConfigError, match=r"training\.threads: 2 are more than any node .* has cores \(1\)"):
        executor.submit(print, job)


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


def has_cell(node, results):
    """Tell whether a worker of a node is writing a cell's log."""
    raylet = node.all_processes["raylet"][0].process.pid
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            files = [str(file.readlink()) for file in (process / "fd").iterdir()] if parent == raylet else []
            if any(file.startswith(str(results)) and file.endswith("log.txt") for file in files):
                return True
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_matrix_completes_with_the_same_scores_when_a_node_dies_in_the_middle(tmp_path, cluster):
    alone = matrix(tmp_path, "alone", "--jobs", "1")
    said, _ = alone.communicate(timeout=600)
    assert alone.returncode == 0, said
    on_ray = matrix(
        tmp_path, "ray", "--executor", "ray", "--executor-option", f"address={cluster.address}", "--jobs", "3"
    )
    while not (busy := [node for node in cluster.mortal if has_cell(node, tmp_path / "ray")]):
        time.sleep(0.02)
        assert on_ray.poll() is None
    cluster.remove_node(busy[0], allow_graceful=False)
    said, _ = on_ray.communicate(timeout=600)
    assert on_ray.returncode == 0, said
    begun = [path.read_text().count(" starts\n") for path in (tmp_path / "ray").glob("[!.]*/log.txt")]
    assert max(begun) == 2, "the cell of the node that died began again elsewhere"
    assert len(scores(tmp_path / "ray")) == 4
    assert scores(tmp_path / "ray") == scores(tmp_path / "alone")


APART = 'mount -t tmpfs none "$1" && mount -t tmpfs none "$2" && shift 2 && exec "$@"'


def test_a_node_that_shares_no_disk_builds_its_own_cache_and_sends_results_back(tmp_path):
    results, cache = tmp_path / "results", tmp_path / "cache"
    results.mkdir()
    cache.mkdir()
    apart = ["unshare", "--map-root-user", "--mount", "sh", "-c", APART, "sh", results, cache]
    if shutil.which("unshare") is None or subprocess.run([*apart, "true"], check=False).returncode:
        pytest.skip("needs the right to mount")
    head = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    join = [Path(sys.executable).with_name("ray"), "start", "--block", "--num-cpus=1", f"--address={head.address}"]
    with subprocess.Popen([*apart, *join], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as node:
        try:
            one = ["--corpora", "synthetic-calls", "--strategies", "last-layer", "--source", "synthetic-acted"]
            at_head = ["--executor", "ray", "--executor-option", f"address={head.address}", "--jobs", "auto"]
            run = matrix(tmp_path, "results", *one, *at_head)
            said, _ = run.communicate(timeout=900)
            assert run.returncode == 0, said
        finally:
            node.terminate()
            head.shutdown()
    assert len(scores(results)) == 2, "the source, and the cell that it travelled for"
    assert not [path for path in (results / ".pending").iterdir() if path.suffix != ".lock"]
