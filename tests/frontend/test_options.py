"""The front end's options: EmoNet's by default, and held to what a front end can do."""

import pytest
import torch
from pydantic import ValidationError

from emonet_bench.frontend.options import FrontEndOptions


@pytest.mark.parametrize(("n_fft", "hop"), [(1024, 512), (400, 160), (8, 1), (40, 60)])
def test_frames_are_as_many_as_torch_cuts(n_fft, hop):
    options = FrontEndOptions(n_fft=n_fft, hop=hop)
    for samples in (1, n_fft - 1, n_fft, n_fft + hop - 1, n_fft + hop, 10 * n_fft + 3):
        clip = torch.zeros(max(samples, n_fft))
        assert options.frames(samples) == len(clip.unfold(0, n_fft, hop))


def test_nothing_is_changed_in_training_unless_it_is_asked_for():
    options = FrontEndOptions()
    assert (options.time_masks, options.freq_masks, options.gain, options.speed) == (0, 0, 0, 0)
    assert options.noise is None
    assert options.random_noise is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"num_mels": 0},
        {"n_fft": 4},
        {"n_fft": 1020},
        {"hop": 0},
        {"f_min": -1.0},
        {"f_max": 0.0},
        {"triangles": "bark"},
        {"normalise": "corpus"},
        {"time_mask_width": 0},
        {"gain": -1.0},
        {"speed": 0.6},
        {"random_noise": 0.0},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_no_front_end_can_do_is_refused_by_its_option(wrong):
    with pytest.raises(ValidationError) as caught:
        FrontEndOptions(**wrong)
    assert [error["loc"] for error in caught.value.errors()] == [tuple(wrong)]
