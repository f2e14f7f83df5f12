"""Errors of the user's are caught by one name, and what asks a process to end by none of them."""

import inspect
import pickle

import pytest

from emonet_bench import errors
from emonet_bench.errors import EmonetBenchError, OutOfSpaceError, StoreError, Terminated

CLASSES = [made for _, made in inspect.getmembers(errors, inspect.isclass)]
OURS = [made for made in CLASSES if issubclass(made, EmonetBenchError)]


@pytest.mark.parametrize("made", OURS)
def test_one_name_catches_every_mistake_and_its_message_is_its_line(made):
    with pytest.raises(EmonetBenchError, match=r"^a\.toml: is wrong; mend it$"):
        raise made("a.toml: is wrong; mend it")


@pytest.mark.parametrize("made", OURS)
def test_a_worker_can_send_it_to_its_parent(made):
    back = pickle.loads(pickle.dumps(made("one line")))
    assert type(back) is made
    assert str(back) == "one line"


def test_a_full_disk_is_an_error_of_the_results_directory():
    assert issubclass(OutOfSpaceError, StoreError)


def test_a_signal_is_no_exception_that_a_plugin_would_swallow():
    assert set(CLASSES) - set(OURS) == {Terminated}
    assert not issubclass(Terminated, Exception)
    assert Terminated(15).status == 143
