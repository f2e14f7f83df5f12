"""Timelines: who owns which time, what is merged, smoothed, too short or too quiet; held against a sample-by-sample vote."""

import numpy as np
import pytest

from emonet_bench.deploy.prediction import Prediction
from emonet_bench.deploy.timeline import Timeline
from emonet_bench.errors import ConfigError

LABELS = ("anger", "joy")
RNG = np.random.default_rng(0)


def stretch(start, end, joy, file="a.wav", level=-20.0):
    row = np.array([1 - joy, joy], np.float32)
    return Prediction(file, LABELS[row.argmax()], row, start, end, level=level)


def stretches(joys, window=1.0, hop=1.0, **more):
    return [stretch(number * hop, number * hop + window, joy, **more) for number, joy in enumerate(joys)]


def found(predictions, **rules):
    return [(one.start, one.end, one.label) for one in Timeline(LABELS, **rules).segments(predictions)]


def test_neighbours_of_one_label_are_a_segment_with_the_mean_of_their_probabilities():
    segments = list(Timeline(LABELS).segments([*stretches([0.1, 0.3, 0.9]), stretch(3.0, 3.5, 0.6)]))
    assert [(one.start, one.end, one.label) for one in segments] == [(0, 2, "anger"), (2, 3.5, "joy")]
    assert segments[0].probabilities[1] == pytest.approx(0.2)
    assert segments[1].probabilities[1] == pytest.approx((0.9 + 0.5 * 0.6) / 1.5)


def test_overlapping_stretches_meet_in_the_middle_of_their_overlap():
    assert found(stretches([0.1, 0.9, 0.9], window=2.0)) == [(0, 1.5, "anger"), (1.5, 4, "joy")]


def test_gaps_stay_gaps_and_files_stay_apart():
    apart = stretches([0.1, 0.2], hop=2.0)
    assert found(apart) == [(0, 1, "anger"), (2, 3, "anger")]
    assert found([*stretches([0.1, 0.1]), *stretches([0.1], file="b.wav")]) == [(0, 2, "anger"), (0, 1, "anger")]
    assert found([*stretches([0.1]), *stretches([0.1])]) == [(0, 1, "anger")] * 2  # one file, named twice


def test_segments_cover_the_recording_once_and_vote_as_the_nearest_centre_does():
    joys = RNG.random(40)
    listed = stretches(joys, window=1.5, hop=0.5)
    segments = list(Timeline(LABELS).segments(listed))
    assert [one.start for one in segments[1:]] == [one.end for one in segments[:-1]]
    assert (segments[0].start, segments[-1].end) == (0, listed[-1].end)
    centres = np.array([one.start + 0.75 for one in listed])
    for time in RNG.uniform(0, listed[-1].end, 500):
        nearest = listed[np.abs(centres - time).argmin()]
        (there,) = [one for one in segments if one.start <= time < one.end]
        assert there.label == nearest.label


def test_smoothing_is_the_mean_over_a_span_around_each_centre():
    joys = [0.0, 0.9, 0.0, 0.9, 0.9]
    means = [np.mean(joys[max(0, n - 1) : n + 2]) for n in range(5)]
    expected = found(stretches(means))
    assert found(stretches(joys), smooth=2.0) == expected == [(0, 2, "anger"), (2, 5, "joy")]
    assert found(stretches(joys), smooth=1.9) == found(stretches(joys))


def test_what_is_smoothed_abstains_by_its_own_mean():
    joys = [0.0, 0.0, 1.0, 1.0]  # means over three: 0, 1/3, 2/3, 1
    uncertain = [(0, 1, "anger"), (1, 3, "uncertain"), (3, 4, "joy")]
    assert found(stretches(joys), smooth=2.0, threshold=0.8) == uncertain
    assert found(stretches(joys), smooth=2.0, threshold=0.6) == found(stretches(joys))


@pytest.mark.parametrize(
    ("joys", "expected"),
    [
        ([0, 0, 1, 0, 0], [(0, 5, "anger")]),
        ([1, 0, 0, 1, 1], [(0, 3, "anger"), (3, 5, "joy")]),
        ([0, 0, 1], [(0, 3, "anger")]),
        ([0, 1], [(0, 2, "anger")]),
        ([1], []),
    ],
)
def test_what_is_too_short_goes_to_its_neighbour(joys, expected):
    assert found(stretches(joys), shortest=2.0) == expected


def test_what_is_too_quiet_is_nobodys():
    listed = [
        stretch(0, 1, 0.1),
        stretch(1, 2, 0.1, level=-70.0),
        stretch(2, 3, 0.1, level=-np.inf),
        stretch(3, 4, 0.9),
    ]
    assert found(listed, gate=-60.0) == [(0, 1, "anger"), (3, 4, "joy")]
    assert found(listed, gate=-80.0) == [(0, 2, "anger"), (3, 4, "joy")]
    assert found(listed[1:3], gate=0.0) == []


@pytest.mark.parametrize(("rules", "name"), [({"smooth": -1}, "smooth"), ({"shortest": float("nan")}, "min-duration")])
def test_times_that_make_no_sense_are_one_line(rules, name):
    with pytest.raises(ConfigError, match=f"^{name}: must be seconds from 0"):
        Timeline(LABELS, **rules)


def test_the_time_of_a_quiet_stretch_goes_to_no_neighbour_however_they_overlap():
    loud = RNG.random(40) < 0.7
    listed = [stretch(0.5 * n, 0.5 * n + 2, 0.9, level=-20.0 if heard else -80.0) for n, heard in enumerate(loud)]
    segments = found(listed, gate=-60.0)
    centres = np.array([one.start + 1 for one in listed])
    for time in RNG.uniform(0, listed[-1].end, 500):
        within = any(start <= time < end for start, end, _ in segments)
        assert within == loud[np.abs(centres - time).argmin()]
