"""Clips of a card are the partition's, sample by sample."""

import numpy as np
import pytest
import soundfile

from tests.oracles import SPEAKERS, clips_of, tones


def test_they_are_the_clips_of_the_partition_as_their_files_have_them(tmp_path):
    clips = clips_of(tones(tmp_path, count=2), tmp_path / "cache")
    assert set(clips.speakers) == set(SPEAKERS["test"])
    for utterance, waveform in zip(clips.utterances, clips, strict=True):
        np.testing.assert_array_equal(waveform, soundfile.read(utterance.file, dtype="float32")[0])
    assert clips.seconds == pytest.approx(sum(soundfile.info(one.file).duration for one in clips.utterances))


def test_a_spread_keeps_first_and_last_and_what_belongs_together(tmp_path):
    clips = clips_of(tones(tmp_path, count=3), tmp_path / "cache")
    few = clips.spread(5)
    assert len(few) == 5
    assert (few.utterances[0], few.utterances[-1]) == (clips.utterances[0], clips.utterances[-1])
    np.testing.assert_array_equal(few.waveform(4), clips.waveform(len(clips) - 1))
    assert len(clips.spread(1000)) == len(clips)
