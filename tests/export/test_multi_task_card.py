"""A bank's card lists its tasks and compares its size with that of one model."""

from emonet_bench.export.card import metadata_of
from emonet_bench.export.multi_task_card import Size, bank_card, size_table
from tests.exported import SIGNAL, record

SIZES = [Size("one model", 1_000_000, 2**20), Size("2 models", 2_000_000, 2**21), Size("bank", 1_100_000, 1_200_000)]


def two_tasks(**changes):
    first = metadata_of(record(), SIGNAL, (0.4, 0.6))
    second = metadata_of(record(corpus="theirs", synthetic=True, licence="CC*0"), SIGNAL, (0.25, 0.75))
    second |= {"uar_onnx": "0.5", "parity_max_delta": "2e-06", "labels": '["calm", "cr|oss"]'} | changes
    return {"ours": first, "theirs": second}


def test_each_task_has_a_row():
    card = bank_card(two_tasks(), SIZES, "bank.onnx")
    assert card.startswith("# 2 tasks on one network\n")
    assert "| `ours` | anger, joy, sadness | 0.500 [0.400, 0.600] | - |" in card
    assert "| 0.500 [0.250, 0.750] | 0.500 | 2e-06 |" in card
    assert card.count("(generated audio)") == 1


def test_the_example_asks_for_the_first_task():
    assert 'Predictor("bank.onnx", task="ours")' in bank_card(two_tasks(), SIZES, "bank.onnx")


def test_names_of_strangers_break_no_row():
    rows = [line for line in bank_card(two_tasks(), SIZES, "bank.onnx").splitlines() if "calm" in line]
    assert len(rows) == 1
    assert rows[0].replace("\\|", "").count("|") == 8
    assert "CC\\*0" in rows[0]


def test_sizes_are_compared_with_one_model():
    assert size_table(SIZES).splitlines()[2:] == [
        "| one model | 1,000,000 | 1.00 | 1.00 MiB |",
        "| 2 models | 2,000,000 | 2.00 | 2.00 MiB |",
        "| bank | 1,100,000 | 1.10 | 1.14 MiB |",
    ]
