"""What a tuned run takes over: every weight of the trial, its history and its record."""

import torch

from emonet_bench.matrix.search.completion import take_over
from emonet_bench.networks import build_classifier
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.history import Epoch
from emonet_bench.training import checkpoints
from emonet_bench.types import Plan
from tests.matrix.test_scheduler import cell
from tests.toys import Toy, toy_clips, toy_set
from tests.written import finished

HEADER = {
    "architecture": "a", "architecture_options": {}, "strategy": "s", "strategy_options": {}, "signal": {},
    "corpora": {"toy": ["high", "low"]},
}  # fmt: skip


def test_a_tuned_run_has_the_weights_and_the_history_of_its_trial(tmp_path):
    trained, fresh = (build_classifier(Toy(), [toy_set(toy_clips())]) for _ in range(2))
    trial, own = RunFiles(tmp_path / "trial"), RunFiles(tmp_path / "own")
    for files in (trial, own):
        files.directory.mkdir()
    checkpoints.save(trained, trial.checkpoint(), HEADER)
    trial.history_writer().write(Epoch(1, 0.5, 0.75, 0.01, 1.0))
    trial.write_record(finished(cell("a"), best_epoch=1))
    record = take_over(Plan(fresh, []), trial, own)
    assert all(torch.equal(fresh.state_dict()[name], value) for name, value in trained.state_dict().items())
    assert own.read_history() == trial.read_history()
    assert record.best_epoch == 1
