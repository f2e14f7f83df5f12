"""Termination: signals that ask a process to end become an exception, where nobody ignores them."""

import os
import signal
import sys
import threading

import pytest

from emonet_bench.console.termination import ALL, TERMINATION, heard_by, restore, termination_raised
from emonet_bench.errors import Terminated

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself signals there")


@pytest.mark.parametrize("name", TERMINATION)
def test_a_signal_is_raised_and_what_heard_it_before_hears_it_again(name):
    number = getattr(signal, name)
    before = signal.getsignal(number)
    with pytest.raises(Terminated) as caught, termination_raised():
        os.kill(os.getpid(), number)
        threading.Event().wait(60)
    assert caught.value.status == 128 + number
    assert signal.getsignal(number) == before


def test_one_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with termination_raised():
            os.kill(os.getpid(), signal.SIGHUP)  # it would raise
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_in_another_thread_none_is_heard():
    found = []
    thread = threading.Thread(target=lambda: found.append(heard_by(print, ALL)))
    thread.start()
    thread.join()
    assert found == [{}]
    restore({})
