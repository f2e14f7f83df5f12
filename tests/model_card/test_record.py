"""The record of a card says the same after it was written and read."""

from emonet_bench.model_card.record import ModelCard


def test_it_survives_json(card):
    assert ModelCard.model_validate_json(card.model_dump_json()) == card


def test_a_condition_is_called_by_family_value_and_unit(card):
    assert card.robustness.conditions[0].name == "white noise, 0 dB SNR"
    assert card.robustness.conditions[-1].name == "cut, 3 s"
