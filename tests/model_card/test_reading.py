"""Cards are read back as they were written; what is none is one line."""

import pytest

from emonet_bench.errors import StoreError
from emonet_bench.model_card.files import write_card
from emonet_bench.model_card.reading import read_card


def test_a_card_is_read_back(card, tmp_path):
    path, *_ = write_card(card, tmp_path)
    assert read_card(path) == card


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "damaged"), ("{}", "not a measured card"), ("[1]", "not a measured card"), ('{"uar": 1e999}', "damaged")],
)
def test_what_is_no_card_is_one_line(tmp_path, content, message):
    (tmp_path / "card.json").write_text(content)
    with pytest.raises(StoreError, match=message) as error:
        read_card(tmp_path / "card.json")
    assert "\n" not in str(error.value)


def test_a_missing_card_is_one_line(tmp_path):
    with pytest.raises(StoreError, match="cannot be read"):
        read_card(tmp_path / "card.json")
