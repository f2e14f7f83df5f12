"""The cost model: which cells cost alike, what is kept of a probe, and how lengths of time are said."""

import json
from dataclasses import asdict

import pytest

from emonet_bench.directories import cache_directory
from emonet_bench.matrix.planning.cost import Cost, cached_cost, cost_key, duration, store_cost
from tests.matrix.test_scheduler import cell

SPEC = cell("a").spec
MEASURED = Cost(0.25, 700, "a1", 0.5)


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("EMONET_BENCH_CACHE_DIR", str(tmp_path))
    return tmp_path


def training(**changes):
    return SPEC.model_copy(update={"training": SPEC.training.model_copy(update=changes)})


@pytest.mark.parametrize(
    "changes", [{"corpus": "b"}, {"seed": 1}, {"strategy": "t"}, {"fold": 3}, {"source": "0" * 16}]
)
def test_cells_that_differ_in_what_they_hear_or_start_from_cost_alike(changes):
    assert cost_key(SPEC.model_copy(update=changes)) == cost_key(SPEC)
    assert cost_key(training(epochs=3, learning_rate=0.5)) == cost_key(SPEC)


@pytest.mark.parametrize(
    "other",
    [
        SPEC.model_copy(update={"architecture": "b"}),
        SPEC.model_copy(update={"architecture_options": {"width": 3}}),
        training(batch_size=7),
        training(window=1.5),
        training(sampling_rate=8_000),
        training(device="cuda"),
        training(precision="bfloat16"),
        training(threads=3),
    ],
)
def test_another_network_batch_or_machine_costs_otherwise(other):
    assert cost_key(other) != cost_key(SPEC)


def test_where_features_of_whole_clips_may_be_kept_the_strategy_decides_what_is_frozen():
    whole = training(window=None)
    assert cost_key(whole) != cost_key(whole.model_copy(update={"strategy": "t"}))
    assert cost_key(whole) != cost_key(whole.model_copy(update={"strategy_options": {"rank": 2}}))
    assert cost_key(whole) != cost_key(training(window=None, features="off"))
    assert cost_key(whole) == cost_key(whole.model_copy(update={"seed": 3, "fold": 1}))


def test_options_cost_alike_in_any_order():
    one, other = ({"width": 3, "depth": 2}, {"depth": 2, "width": 3})
    first, second = (SPEC.model_copy(update={"architecture_options": options}) for options in (one, other))
    assert cost_key(first) == cost_key(second)


def test_what_was_measured_is_found_again_for_the_same_kind_and_version_on_the_same_hardware(monkeypatch):
    assert cached_cost("kind", "1.0") is None
    store_cost("kind", "1.0", MEASURED)
    assert cached_cost("kind", "1.0") == MEASURED
    assert cached_cost("other", "1.0") is None
    assert cached_cost("kind", "1.1") is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    assert cached_cost("kind", "1.0") is None


@pytest.mark.parametrize("content", [b"", b"damaged", b"\xff\xfe", b"[1, 2]", b"{}", b'{"seconds": 1, "hours": 2}'])
def test_a_damaged_measurement_is_none(content):
    store_cost("kind", "1.0", MEASURED)
    (file,) = (cache_directory() / "probes").iterdir()
    assert json.loads(file.read_text()) == asdict(MEASURED)
    file.write_bytes(content)
    assert cached_cost("kind", "1.0") is None


def test_a_cache_that_cannot_be_written_loses_the_measurement_alone(cache):
    (cache / "probes").write_text("a file where a directory should be")
    store_cost("kind", "1.0", MEASURED)
    assert cached_cost("kind", "1.0") is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "1 s"), (1.4, "1 s"), (59, "59 s"), (60, "1 min"), (5_399, "90 min"), (5_400, "1.5 h"), (360_000, "100.0 h")],
)
def test_lengths_of_time_are_said_in_the_unit_that_suits_them(seconds, said):
    assert duration(seconds) == said
