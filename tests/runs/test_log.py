"""What a cell says is kept beside its results."""

import logging
import sys
import warnings

import pytest

from emonet_bench.runs.files import LOG
from emonet_bench.runs.log import capture_output


@pytest.mark.filterwarnings("always:warned")
def test_what_is_logged_warned_of_and_printed_is_kept_and_a_continued_cell_adds_to_it(tmp_path):
    for number in range(2):
        with capture_output(tmp_path):
            logging.getLogger("cell").info("logged %d", number)
            warnings.warn("warned", UserWarning, stacklevel=1)
            sys.stdout.write("printed \udcff\n")
    told = (tmp_path / LOG).read_text()
    assert "INFO cell: logged 0" in told
    assert "INFO cell: logged 1" in told
    assert told.count("UserWarning: warned") == told.count("printed \\udcff") == 2


def test_afterwards_everything_goes_where_it_went_before(tmp_path, capsys):
    before = logging.getLogger().handlers[:]
    with capture_output(tmp_path):
        pass
    sys.stdout.write("seen")
    assert capsys.readouterr().out == "seen"
    assert logging.getLogger().handlers == before
