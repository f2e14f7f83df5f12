"""The files of a card."""

import json

from emonet_bench.model_card.files import write_card


def test_three_forms_of_one_record(card, tmp_path):
    written = write_card(card, tmp_path, "card-emodb")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in written)
    assert {path.suffix for path in written} == {".json", ".md", ".html"}
    assert json.loads((tmp_path / "card-emodb.json").read_text())["uar"]["value"] == card.uar.value
