"""Threads work ahead, within bounds, and what they make comes out in the order of what went in."""

import multiprocessing
import sys
import threading

import pytest

from emonet_bench.deploy import ordered_pool
from emonet_bench.deploy.ordered_pool import AHEAD, OrderedPool, Threads, grouped, in_order
from emonet_bench.errors import ConfigError


@pytest.fixture
def pool():
    with OrderedPool(Threads(3)) as made:
        yield made


@pytest.mark.parametrize("size", [1, 3, 8])
@pytest.mark.parametrize("count", [0, 1, 8, 200])
def test_groups_lose_nothing_and_can_be_put_back_into_order(size, count):
    things = [(7 * number) % 31 for number in range(count)]
    groups = list(grouped(things, size, float))
    assert all(0 < len(group) <= size for group in groups)
    assert list(in_order(groups)) == things


def test_a_group_holds_what_is_alike():
    groups = list(grouped([9, 1, 8, 2, 7, 3], 2, float))
    assert [[thing for _, thing in group] for group in groups] == [[1, 2], [3, 7], [8, 9]]


def test_the_key_is_not_asked_where_a_group_is_one_thing():
    assert list(grouped("ab", 1, lambda _: 1 / 0)) == [[(0, "a")], [(1, "b")]]


def test_the_first_thing_may_finish_last_and_still_comes_first(pool):
    others = threading.Semaphore(0)

    def work(number):
        if number == 0:
            assert all(others.acquire(timeout=60) for _ in range(5))
        else:
            others.release()
        return number

    assert list(pool.prefetch(work, range(6))) == list(range(6))


def test_who_asks_for_the_last_things_is_woken_for_several_at_once(monkeypatch):
    looks, asked, wait = [], threading.Event(), ordered_pool.wait

    def counted(futures, *patience):
        looks.append(len(futures))
        asked.set()
        return wait(futures, *patience)

    monkeypatch.setattr(ordered_pool, "wait", counted)
    monkeypatch.setattr(ordered_pool, "_PATIENCE", 60)
    with OrderedPool(Threads(2)) as pool:
        found = pool.prefetch(lambda number: asked.wait(timeout=60) and number, range(2 * AHEAD - 1))
        assert list(found) == list(range(2 * AHEAD - 1))
    assert len(looks) <= 8  # halved each time, and once on leaving


def test_no_more_is_taken_ahead_than_the_bound(pool):
    taken = []

    def things():
        for number in range(10_000):
            taken.append(number)
            yield number

    results = pool.prefetch(lambda number: number, things())
    for number in range(100):
        assert next(results) == number
        assert len(taken) <= number + 1 + 3 * AHEAD


def test_leaving_drops_what_was_not_begun(monkeypatch):
    begun, submitted, left, wait = [], threading.Event(), threading.Event(), ordered_pool.wait

    def things():
        yield from range(9)
        submitted.set()

    def leave(futures, *patience):
        if not patience:
            left.set()  # the others are dropped by now
        return wait(futures, *patience)

    def work(number):
        begun.append(number)
        assert left.wait(timeout=60) if number else submitted.wait(timeout=60)

    monkeypatch.setattr(ordered_pool, "wait", leave)
    threads = Threads(1)
    with OrderedPool(threads) as pool:
        next(pool.prefetch(work, things()))
    assert begun in ([0], [0, 1])
    assert threads.pool().submit(str, 7).result() == "7"  # the thread goes on for others


def test_an_error_of_the_work_reaches_the_caller(pool):
    with pytest.raises(ZeroDivisionError):
        list(pool.prefetch(lambda number: 1 / number, [2, 1, 0, 3]))
    with pytest.raises(ZeroDivisionError):
        pool.together(lambda number: 1 / number, [2, 1, 0, 3])


def test_work_within_work_comes_to_an_end_for_the_caller_takes_part():
    with OrderedPool(Threads(1)) as single:
        inner = [[10 * number + one for one in range(5)] for number in range(4)]
        found = single.prefetch(lambda row: single.together(lambda one: -one, row), inner)
        assert list(found) == [[-one for one in row] for row in inner]


def test_threads_are_started_once_for_all_callers():
    threads = Threads(2)
    assert threads.pool() is threads.pool()


def _doubled(threads, results):
    with OrderedPool(threads) as pool:
        results.put(list(pool.prefetch(lambda number: 2 * number, range(3))))


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="processes are not forked there")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_gets_threads_of_its_own():
    threads, context = Threads(2), multiprocessing.get_context("fork")
    with OrderedPool(threads) as pool:
        assert list(pool.prefetch(str, range(3))) == ["0", "1", "2"]
    results = context.Queue()
    child = context.Process(target=_doubled, args=(threads, results))
    child.start()
    assert results.get(timeout=60) == [0, 2, 4]
    child.join()


@pytest.mark.parametrize("count", [1, 2])
def test_leaving_ends_work_of_many_things_between_two_of_them(count):
    begun, done = threading.Event(), []

    def work(number):
        begun.set()
        done.append(number)
        return number

    def things():
        yield from range(1_000)
        left.wait(timeout=60)  # would be asked for two thousand more
        yield from range(2_000)

    left = threading.Event()
    with OrderedPool(Threads(count)) as pool:
        found = pool.prefetch(lambda given: pool.together(work, given), [iter([0]), things()])
        assert next(found) == [0]
        assert begun.wait(timeout=60)
        threading.Timer(0.05, left.set).start()
    assert len(done) <= 1_000 + 1 + count


@pytest.mark.parametrize("way", ["prefetch", "together"])
def test_more_threads_than_the_system_starts_are_one_line(monkeypatch, way):
    def refused(*_):
        raise RuntimeError("can't start new thread")

    with OrderedPool(Threads(3)) as pool:
        monkeypatch.setattr(threading.Thread, "start", refused)
        with pytest.raises(ConfigError, match=r"^threads: the system does not start 3; ask for fewer \(--jobs\)$"):
            list(getattr(pool, way)(str, range(3)))
        monkeypatch.undo()
    assert list(OrderedPool(Threads(3)).prefetch(str, range(2))) == ["0", "1"]
