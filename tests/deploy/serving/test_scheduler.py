"""The scheduler: batches of like length, in turn, and errors that reach whom they belong to."""

import asyncio
import threading

import numpy as np
import pytest

from emonet_bench.deploy.serving.scheduler import ALIKE, Scheduler
from emonet_bench.errors import AudioError


class Loudness:
    """Stands for a model: each stretch's largest sample and its length; a gate holds the first batch."""

    provider, sampling_rate = "cpu", 1_000

    def __init__(self):
        self.gate, self.batches = threading.Event(), []

    def probabilities(self, stretches):
        assert self.gate.wait(20)
        self.batches.append([len(one) for one in stretches])
        if any(one.max() > 9 for one in stretches):
            raise AudioError("too loud")
        return np.array([[one.max(), len(one)] for one in stretches], np.float32)


def tone(length, loudness=1.0):
    return np.full(length, loudness, np.float32)


def hold(reached, gate):
    """Keep a thread from what waits until the gate opens."""
    reached.wait(20)
    return gate.wait(20)


def scored(*stretches, batch=8, threads=1, model=None):
    """Score stretches that wait behind a call; return what came of each, the batches, and the observed sizes."""
    model, sizes = model or Loudness(), []

    async def all_of_them():
        scheduler = Scheduler(threads, batch, sizes.append)
        reached = threading.Barrier(threads + 1)
        held = [asyncio.ensure_future(scheduler.call(lambda: hold(reached, model.gate))) for _ in range(threads)]
        await asyncio.to_thread(reached.wait, 20)
        tasks = [asyncio.ensure_future(scheduler.score(model, one)) for one in stretches]
        await asyncio.sleep(0)
        assert len(scheduler) == len(stretches)
        model.gate.set()
        try:
            return await asyncio.gather(*held, *tasks, return_exceptions=True)
        finally:
            scheduler.close()

    found = asyncio.run(all_of_them())[threads:]
    return found, model.batches, sizes[threads:]


def test_each_stretch_gets_its_own_row_in_whichever_batch_it_was():
    found, _, _ = scored(*(tone(100 + 7 * i, i / 32) for i in range(20)), threads=2)
    assert [row.tolist() for row in found] == [[i / 32, 100 + 7 * i] for i in range(20)]


def test_the_longest_waiting_goes_first_and_with_it_what_is_about_as_long():
    _, batches, sizes = scored(tone(100), tone(300), tone(int(100 * ALIKE)), tone(310), tone(127))
    assert batches == [[100, 125], [300, 310], [127]]
    assert sizes == [2, 2, 1]


@pytest.mark.parametrize(("batch", "expected"), [(1, [1] * 5), (2, [2, 2, 1]), (8, [5])])
def test_no_batch_is_larger_than_allowed(batch, expected):
    _, batches, _ = scored(*[tone(100)] * 5, batch=batch)
    assert [len(one) for one in batches] == expected


def test_a_batch_on_a_cpu_holds_four_seconds_and_on_a_gpu_what_fits():
    assert [len(one) for one in scored(*[tone(1_500)] * 4)[1]] == [2, 2]
    gpu = Loudness()
    gpu.provider = "cuda"
    assert [len(one) for one in scored(*[tone(1_500)] * 4, model=gpu)[1]] == [4]


def test_audio_that_is_too_much_costs_no_other_stretch_of_its_batch():
    found, batches, _ = scored(tone(100), tone(100, 10.0), tone(100))
    assert [isinstance(one, AudioError) for one in found] == [False, True, False]
    assert batches == [[100] * 3, [100], [100], [100]]


def test_any_other_error_reaches_everybody_who_waits_for_it():
    class Broken(Loudness):
        def probabilities(self, stretches):
            raise ValueError("broken")

    found, _, _ = scored(tone(100), tone(100), model=Broken())
    assert [str(one) for one in found] == ["broken", "broken"]


def test_what_was_given_up_is_never_scored():
    model = Loudness()

    async def given_up():
        scheduler = Scheduler(1, 8, lambda _: None)
        held = asyncio.ensure_future(scheduler.call(lambda: model.gate.wait(20)))
        await asyncio.sleep(0)
        gone, stays = (asyncio.ensure_future(scheduler.score(model, tone(size))) for size in (100, 110))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        model.gate.set()
        await asyncio.gather(held, stays)
        scheduler.close()

    asyncio.run(given_up())
    assert model.batches == [[110]]
