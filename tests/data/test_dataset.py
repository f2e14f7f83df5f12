"""Batches against slices taken clip by clip."""

import pytest
import torch

from emonet_bench.data.dataset import gathered, shuffled, sliced
from tests.toys import toy_clips

CLIPS = toy_clips(count=7)


def clip(i):
    start, length = int(CLIPS.starts[i]), int(CLIPS.lengths[i])
    return CLIPS.samples[start : start + length].float() / 32768


def test_whole_clips_are_padded_with_zeros_and_nothing_of_their_neighbours():
    batch = CLIPS.whole(torch.tensor([3, 6, 0]))
    for row, i in enumerate([3, 6, 0]):
        length = int(CLIPS.lengths[i])
        assert torch.equal(batch.waveform[row, :length], clip(i))
        assert batch.waveform[row, length:].eq(0).all()
    assert batch.targets.tolist() == CLIPS.targets[[3, 6, 0]].tolist()


def test_whole_clips_are_the_same_where_the_longest_is_known():
    index = torch.tensor([3, 6, 0])
    known = CLIPS.whole(index, int(CLIPS.lengths[index].max()))
    assert torch.equal(known.waveform, CLIPS.whole(index).waveform)


def test_a_crop_is_a_stretch_of_its_own_clip():
    torch.manual_seed(1)
    batch = CLIPS.crop(torch.tensor([2, 5]), window=300, short="pad")
    assert batch.lengths.tolist() == [300, 300]
    for row, i in enumerate([2, 5]):
        stretches = clip(i).unfold(0, 300, 1)  # every stretch of that clip
        assert (stretches == batch.waveform[row]).all(-1).any()


def test_crops_start_everywhere_from_the_first_to_the_last_possible_sample():
    torch.manual_seed(0)
    length = int(CLIPS.lengths[0])
    crops = CLIPS.crop(torch.zeros(400, dtype=torch.int64), window=length - 3, short="pad").waveform
    found = {tuple(row.tolist()) for row in crops}
    assert found == {tuple(row.tolist()) for row in clip(0).unfold(0, length - 3, 1)}


def test_a_short_clip_is_repeated_to_fill_the_window():
    batch = CLIPS.crop(torch.tensor([4]), window=2000, short="repeat")
    assert batch.lengths is None
    assert torch.equal(batch.waveform[0], clip(4).repeat(6)[:2000])


def test_a_short_clip_may_be_padded_instead():
    batch = CLIPS.crop(torch.tensor([4]), window=2000, short="pad")
    length = int(CLIPS.lengths[4])
    assert batch.lengths.tolist() == [length]
    assert torch.equal(batch.waveform[0, :length], clip(4))
    assert batch.waveform[0, length:].eq(0).all()


@pytest.mark.parametrize("short", ["repeat", "pad"])
@pytest.mark.parametrize("size", [1, 300, 899, 2500])
def test_rows_are_the_same_by_one_gather_as_on_a_gpu_and_by_slices_as_on_a_cpu(short, size):
    first, kept = CLIPS.starts, CLIPS.lengths.clamp_max(size)
    rows = [way(CLIPS.samples, first, kept, size, short) for way in (gathered, sliced)]
    assert rows[0].dtype == rows[1].dtype == torch.float32
    assert torch.equal(*rows)


def test_batches_in_order_cover_every_clip_once_from_short_to_long():
    index = torch.cat([batch.index for batch in CLIPS.in_order(batch_size=3)])
    assert sorted(index.tolist()) == list(range(7))
    assert CLIPS.lengths[index].diff().ge(0).all()


def test_shuffled_batches_never_leave_a_single_clip():
    sizes = [len(part) for part in shuffled(9, batch_size=4)]
    assert sizes == [4, 5]


def test_selected_clips_keep_their_facts_together():
    few = CLIPS.select([5, 1])
    assert few.names == ("005", "001")
    assert few.speakers == ("s1", "s1")
    assert torch.equal(few.whole(torch.tensor([0])).waveform, CLIPS.whole(torch.tensor([5])).waveform)
