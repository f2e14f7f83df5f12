"""Metrics, written as the reference client reads them."""

import numpy as np
import pytest

from emonet_bench.deploy.serving.metrics import SECONDS, Counter, Gauge, Histogram, exposition

parser = pytest.importorskip("prometheus_client.parser", reason="prometheus_client is not installed")


def parsed(**metrics):
    text = exposition({name: (f"What {name} is.", metric) for name, metric in metrics.items()})
    return {
        family.name: {(one.name, *sorted(one.labels.items())): one.value for one in family.samples}
        for family in parser.text_string_to_metric_families(text)
    }


def test_a_counter_sums_for_each_set_of_labels():
    counter = Counter()
    for amount, path in ((1, "/a"), (0.5, "/b"), (2, "/a")):
        counter.add(amount, path=path)
    samples = parsed(hits_total=counter)["hits"]
    assert samples == {("hits_total", ("path", "/a")): 3, ("hits_total", ("path", "/b")): 0.5}


@pytest.mark.parametrize("text", ['say "no"', "a\\b", "two\nlines", "\\n", "käse"])
def test_labels_survive_whatever_stands_in_them(text):
    counter = Counter()
    counter.add(model=text)
    assert parsed(hits_total=counter)["hits"] == {("hits_total", ("model", text)): 1}


def test_buckets_of_a_histogram_are_cumulative_counts_of_what_was_at_most_so_much():
    values = [0.005, 1.0, *np.random.default_rng(0).uniform(0, 40, 500).round(2).tolist()]
    histogram = Histogram(SECONDS)
    for value in values:
        histogram.observe(value)
    samples = parsed(took=histogram)["took"]
    for bound in (*SECONDS, float("inf")):
        name = "+Inf" if bound == float("inf") else str(bound)
        assert samples["took_bucket", ("le", name)] == sum(value <= bound for value in values)
    assert samples["took_count",] == len(values)
    assert samples["took_sum",] == pytest.approx(sum(values))


def test_a_gauge_is_read_whenever_it_is_asked():
    held = [1, 2]
    gauge = Gauge(lambda: len(held))
    assert parsed(held=gauge)["held"] == {("held",): 2}
    held.clear()
    assert parsed(held=gauge)["held"] == {("held",): 0}


def test_what_nothing_was_counted_of_has_no_sample():
    assert parsed(hits_total=Counter(), took=Histogram((1.0,))) == {"hits": {}, "took": {}}
