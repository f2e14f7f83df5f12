"""The words of a card say what they must."""

from emonet_bench.model_card.words import confusion_rows, intended, limits, measured_on, provenance


def test_few_speakers_are_warned_of_and_many_are_not(card):
    assert any("4 speakers" in line for line in limits(card))
    many = card.model_copy(update={"data": card.data.model_copy(update={"speakers": 40})})
    assert not any("40 speakers" in line for line in limits(many))


def test_generated_audio_is_not_for_use(card):
    synthetic = card.model_copy(update={"metadata": {**card.metadata, "synthetic": "true"}})
    assert "not for use" in list(intended(synthetic))[-1]
    assert "not for use" not in " ".join(intended(card))


def test_notes_are_told(card):
    noted = card.model_copy(update={"data": card.data.model_copy(update={"notes": ["another fold", "older"]})})
    assert list(measured_on(noted))[-2:] == ["Note: another fold.", "Note: older."]


def test_provenance_names_run_file_and_machine(card):
    text = " ".join(provenance(card))
    assert "0123456789abcdef" in text
    assert card.sha256 in text
    assert card.machine in text


def test_metadata_of_another_writer_is_no_reason_to_fail(card):
    assert list(provenance(card.model_copy(update={"metadata": {"packages": "[1]", "sampling_rate": "x"}})))


def test_the_confusion_has_a_row_for_each_label(card):
    head, *rows = confusion_rows(card)
    assert head[1:] == card.labels == [row[0] for row in rows]
