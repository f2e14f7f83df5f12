"""The service: models by name, stretches in their order, and ranked labels."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from emonet_bench.deploy.serving.errors import RequestError
from emonet_bench.deploy.serving.options import Options
from emonet_bench.deploy.serving.service import Service, ranked
from emonet_bench.deploy.serving.settings import Limits, Settings


@pytest.fixture
def service(model, bank):
    made = Service(Settings((model, bank), "cpu", 2, replace(Limits(), segments=20)))
    yield made
    made.close()


def listen(service, data, **options):
    async def heard():
        with service.admission.request() as held:
            return await service.listen(data, service.find(None), Options(**options), held)

    return asyncio.run(heard())


def test_a_model_is_found_by_its_name_and_without_one_the_first_is_meant(service):
    assert service.find(None).name == "listener"
    assert service.find("bank").name == "bank"
    with pytest.raises(RequestError, match=r"^model: there is no 'bnak'; there are listener, bank$") as caught:
        service.find("bnak")
    assert caught.value.status == 404


def test_stretches_come_in_their_order_and_score_as_the_predictor_scores_them(service, predictor, wav, noise):
    samples = noise(3.0)
    found = listen(service, wav(samples), window=0.5, hop=0.25)
    assert [one.start for one in found] == [0.25 * i for i in range(len(found))]
    for one in found:
        piece = samples[round(16_000 * one.start) : round(16_000 * one.end)]
        (expected,) = predictor.predict_arrays([piece], 16_000)
        np.testing.assert_allclose(one.row, expected.probabilities, atol=1e-5)
    assert (service.admission.requests, service.admission.bytes) == (0, 0)


def test_a_long_clip_is_scored_in_parts_as_the_predictor_does_it(service, predictor, wav, noise):
    samples = noise(61.0)
    (one,) = listen(service, wav(samples))
    (expected,) = predictor.predict([wav(samples)])
    np.testing.assert_allclose(one.row, expected.probabilities, atol=1e-5)
    assert (one.start, one.end) == (0, 61)


def test_more_stretches_than_are_taken_are_refused_before_any_is_scored(service, wav, noise):
    with pytest.raises(RequestError, match=r"^hop: makes 30 stretches, at most 20 are taken"):
        listen(service, wav(noise(3.0)), window=0.5, hop=0.1)
    assert len(service.scheduler) == 0


def test_bodies_are_parsed_the_same_whatever_their_size(service):
    for size in (10, 2**19):
        assert asyncio.run(service.parsed(lambda body, more: len(body) + more, bytes(size), 1)) == size + 1


def test_metrics_count_the_audio_that_was_scored(service, wav, noise):
    listen(service, wav(noise(1.5)))
    assert 'emonet_audio_seconds_total{model="listener"} 1.5\n' in service.exposition()


def test_labels_are_ranked_by_probability_and_equal_ones_keep_their_order():
    row = np.array([0.25, 0.5, 0.25], np.float32)
    assert ranked("abc", row) == [{"label": x, "score": y} for x, y in (("b", 0.5), ("a", 0.25), ("c", 0.25))]
    assert [one["label"] for one in ranked("abc", row, 2)] == ["b", "a"]
    assert len(ranked("abc", row, 9)) == 3
