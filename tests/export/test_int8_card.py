"""The card of an int8 variant: its own numbers beside those of float32, in Markdown that nothing breaks."""

from emonet_bench.export.card import metadata_of
from emonet_bench.export.int8_card import Measured, Quantised, int8_card
from tests.exported import SIGNAL, record

FOUND = Quantised(Measured(0.9, (0.8, 0.95), 20_000_000, 16.0), Measured(0.89, (0.79, 0.94), 5_640_000, 6.4))


def test_it_has_both_rows_and_how_many_times_as_fast():
    card = int8_card(metadata_of(record(), SIGNAL), FOUND, "m.int8.onnx", "m.onnx", masked=False)
    assert "| float32 | 0.900 [0.800, 0.950] | 20.00 MB | 16.0 |" in card
    assert "| int8 | 0.890 [0.790, 0.940] | 5.64 MB | 6.4 |" in card
    assert "2.50 times as fast" in card
    assert "every row full" in card
    assert "`lengths`" not in card


def test_what_is_masked_takes_lengths_and_hostile_names_stay_text():
    said = metadata_of(record(licence="<b>|"), SIGNAL)
    card = int8_card(said, FOUND, "m.int8.onnx", "m.onnx", masked=True)
    assert "`lengths` int64 (batch)" in card
    assert "<b>" not in card


def test_it_is_told_as_json():
    assert FOUND.plain()["int8"] == {"uar": 0.89, "interval": (0.79, 0.94), "bytes": 5_640_000, "milliseconds": 6.4}
