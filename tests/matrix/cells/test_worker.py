"""What a worker process keeps between the cells of a matrix: plugins and corpora, never a stale version of code."""

import os
import shutil
from dataclasses import replace

import pytest
import torch

from emonet_bench.matrix.cells.job import Job
from emonet_bench.matrix.cells.worker import WORKER, Worker
from emonet_bench.matrix.executors import Workers
from emonet_bench.plugins.loading import Plugins, Selection
from tests.matrix.cells.test_heard import corpus

CORPUS = "synthetic-acted"


@pytest.fixture
def job(tmp_path):
    return Job(None, Selection(names=("builtins", "corpora")), tmp_path)  # only the selection and the corpora matter


def identity(job):
    return id(WORKER.begin(job))


def test_a_worker_process_loads_its_plugins_once(job):
    workers = Workers()
    try:
        first, second = (workers.submit(identity, job).result(timeout=120) for _ in range(2))
    finally:
        workers.shutdown()
    assert first == second


def test_a_process_that_is_no_worker_keeps_nothing(job):
    assert WORKER.begin(job) is not WORKER.begin(job)
    assert WORKER.plugins is None


def test_a_plugin_that_is_edited_between_two_cells_is_noticed(job):
    worker = Worker(keeps=True)
    (origin, *_) = worker.begin(job).origins
    before = origin.version
    origin.code = lambda: "sha256.edited"
    assert worker.begin(job).versions()[origin.name] != before
    assert worker.begin(job).versions()[origin.name].endswith("sha256.edited")


def test_another_selection_is_loaded_anew(job):
    worker = Worker(keeps=True)
    before = worker.begin(job)
    other = worker.begin(replace(job, selection=Selection(names=("builtins",))))
    assert other is not before
    assert CORPUS in before.corpora
    assert CORPUS not in other.corpora


def test_the_corpora_that_the_user_described_are_there_for_every_cell(job):
    mine = replace(Plugins(job.selection).corpora[CORPUS], name="mine")
    worker = Worker(keeps=True)
    for _ in range(2):
        plugins = worker.begin(replace(job, corpora=(mine,)))
        assert plugins.corpora["mine"] == mine
        assert plugins.user_corpora == (mine,)


def opened(worker, job, rate=8000):
    return worker.open_corpus(worker.begin(job).corpora[CORPUS], "", rate, skip_bad=False)


def test_a_corpus_is_opened_once_for_cells_in_a_row(job):
    worker = Worker(keeps=True)
    first = opened(worker, job)
    assert opened(worker, job) is first
    assert opened(worker, job, rate=16_000) is not first
    assert opened(worker, job) is not first, "the cell before has not opened it: it was dropped"


def test_a_process_that_is_no_worker_opens_a_corpus_for_each_cell(job):
    worker = Worker()
    assert opened(worker, job) is not opened(worker, job)
    assert not worker.corpora


def test_a_corpus_whose_audio_store_was_cleared_is_opened_anew(job, tmp_path, monkeypatch):
    monkeypatch.setenv("EMONET_BENCH_CACHE_DIR", str(tmp_path / "cache"))
    worker = Worker(keeps=True)
    first = opened(worker, job)
    shutil.rmtree(first.audio.path.parent)
    second = opened(worker, job)
    assert second is not first
    assert second.audio.path.exists()
    assert second.fingerprint == first.fingerprint


def heard(opened):
    """What a cell would hear of a corpus: labels and samples."""
    clips = opened.clips(range(len(opened.utterances)))
    return clips.targets.tolist(), clips.samples.clone()


@pytest.mark.parametrize("edited", ["label", "audio"])
def test_an_edited_corpus_is_heard_as_planned_or_known_to_have_changed_but_never_mixed(
    job, tmp_path, monkeypatch, edited
):
    monkeypatch.setenv("EMONET_BENCH_CACHE_DIR", str(tmp_path / "cache"))
    mine = corpus(tmp_path, "mine")
    first, second = Worker(keeps=True), Worker(keeps=True)
    opened = first.open_corpus(mine, "", 16_000, skip_bad=False)
    labels, samples = heard(opened)
    clips = mine.load()
    if edited == "label":
        clips[0] = replace(clips[0], label=clips[1].label)
    else:
        clips[0].file.write_bytes(clips[1].file.read_bytes())
        os.utime(clips[0].file, ns=(0, 0))  # whatever the clock's grain
    later = second.open_corpus(mine, "", 16_000, skip_bad=False)  # what this builds takes nothing from the other
    assert later.fingerprint != opened.fingerprint
    again = first.open_corpus(mine, "", 16_000, skip_bad=False)
    assert again.fingerprint == opened.fingerprint
    assert heard(again)[0] == labels
    assert torch.equal(heard(again)[1], samples)
