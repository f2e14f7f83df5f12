"""What metadata says of a model's hearing is read as it was written."""

from pathlib import Path

import pytest

from emonet_bench.deploy.metadata import heard, in_words, input_spec_of, read_facts
from emonet_bench.errors import ConfigError
from emonet_bench.types import InputSpec

SPECS = [InputSpec(16_000), InputSpec(8_000, 23_999), InputSpec(44_100, 7, 3), InputSpec(16_000, 48_000, 24_000)]


@pytest.mark.parametrize("input_spec", SPECS, ids=str)
def test_what_is_written_is_read(input_spec):
    assert input_spec_of(heard(input_spec)) == input_spec


def test_files_of_older_versions_are_read():
    assert input_spec_of({"sampling_rate": "16000", "window": "2.97", "hop": "1.485"}) == InputSpec(
        16_000, 47_520, 23_760
    )
    assert input_spec_of({"sampling_rate": "16000"}) == InputSpec(16_000)


def test_it_is_said_in_words():
    assert in_words(InputSpec(16_000)) == "the whole clip"
    assert in_words(InputSpec(16_000, 24_000)) == "the centred 1.5 s of a clip"
    assert (
        in_words(InputSpec(16_000, 24_000, 12_000)) == "windows of 1.5 s, one every 0.75 s, and averages their logits"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"window": "nan"},
        {"window": "inf"},
        {"hop": "-1"},
        {"window": "long"},
        {"sampling_rate": "1e4"},
        {"labels": "[" * 10_000},
        {"labels": '{"a": {"b": ["c", "d"]}}'},
        {"schema_version": ""},
    ],
)
def test_damaged_metadata_is_one_line(changes):
    sound = {"schema_version": "1", "sampling_rate": "16000", "labels": '["a", "b"]'}
    assert read_facts(Path("m.onnx"), sound).labels == ["a", "b"]
    with pytest.raises(ConfigError, match=r"^m\.onnx: its metadata is damaged \(.*\); export the run again") as caught:
        read_facts(Path("m.onnx"), {**sound, **changes})
    assert "\n" not in str(caught.value)
