"""RTTM, TextGrid and WebVTT: read back by parsers that are not ours."""

import re

import numpy as np

from emonet_bench.deploy.annotations import rttm, textgrid, webvtt
from emonet_bench.deploy.prediction import Prediction


def segment(start, end, label, file="a clip.wav"):
    return Prediction(file, label, np.array([0.75, 0.25], np.float32), start, end)


SEGMENTS = [segment(0.5, 1.25, "anger"), segment(1.25, 3661.5, 'very "sad"'), segment(3662, 3663, "<joy> & so")]


def test_rttm_has_ten_fields_without_spaces_in_them():
    rows = [line.split() for line in rttm(SEGMENTS)]
    assert [len(row) for row in rows] == [10, 10, 10]
    assert rows[0] == ["SPEAKER", "a_clip.wav", "1", "0.500", "0.750", "<NA>", "<NA>", "anger", "0.750000", "<NA>"]
    assert rows[1][7] == 'very_"sad"'


def test_a_textgrid_has_intervals_that_follow_each_other_to_the_end():
    text = textgrid(SEGMENTS, 3663.0)
    assert text.startswith('File type = "ooTextFile"\nObject class = "TextGrid"\n')
    found = re.findall(r'xmin = ([\d.]+)\s+xmax = ([\d.]+)\s+text = "(.*)"\n', text)
    times = [(float(first), float(last)) for first, last, _ in found]
    assert times == [(0, 0.5), (0.5, 1.25), (1.25, 3661.5), (3661.5, 3662), (3662, 3663)]
    assert [label for *_, label in found] == ["", "anger", 'very ""sad""', "", "<joy> & so"]
    assert "intervals: size = 5\n" in text


def test_webvtt_has_cues_that_no_label_can_leave():
    head, *cues = "".join(webvtt(SEGMENTS)).split("\n\n")
    assert head == "WEBVTT"
    assert [cue.strip().split("\n") for cue in cues] == [
        ["00:00:00.500 --> 00:00:01.250", "anger"],
        ["00:00:01.250 --> 01:01:01.500", 'very "sad"'],
        ["01:01:02.000 --> 01:01:03.000", "&lt;joy&gt; &amp; so"],
    ]
    assert "\n" not in "".join(webvtt([segment(0, 1, "a\n\n0:00 --> 1:00")])).splitlines()[-1]
