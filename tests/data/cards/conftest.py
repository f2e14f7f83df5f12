"""A small corpus for the tests of cards."""

import pytest

from tests.data.cards.mine import CARD


@pytest.fixture
def folder(tmp_path):
    """A corpus with a card, three tables and six clips without a sound."""
    (tmp_path / "card.toml").write_text(CARD, encoding="utf-8")
    (tmp_path / "lists").mkdir()
    for name, rows in {"learn": "1 n ann\n2 a ann\n9 x ann", "tune": "3 n bob\nnonsense", "check": "4 a eve"}.items():
        (tmp_path / "lists" / f"{name}.txt").write_text(rows, encoding="utf-8")
    for number in (1, 2, 3, 4, 5, 9):
        (tmp_path / f"clip{number}.wav").touch()
    return tmp_path
