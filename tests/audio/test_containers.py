"""A file that holds less than its container declares is refused; one that holds all of it passes."""

import io
from itertools import pairwise

import pytest

from emonet_bench.audio.containers import check_whole
from emonet_bench.errors import AudioError
from tests.audio.made import encoded, pages, sound

FORMS = {
    "WAV": {"format": "WAV"},
    "WAVEX": {"format": "WAVEX"},
    "RF64": {"format": "RF64"},
    "W64": {"format": "W64"},
    "AIFF": {"format": "AIFF"},
    "AU": {"format": "AU"},
    "Vorbis": {"format": "OGG", "subtype": "VORBIS"},
    "Opus": {"format": "OGG", "subtype": "OPUS"},
}


@pytest.fixture(scope="module", params=FORMS)
def content(request):
    return encoded(sound(5, 48_000), 48_000, **FORMS[request.param])


def test_a_whole_file_passes(content):
    check_whole(io.BytesIO(content))


@pytest.mark.parametrize("share", [0.999, 0.7, 0.3])
def test_a_cut_file_is_refused(content, share):
    with pytest.raises(AudioError, match=r"^truncated"):
        check_whole(io.BytesIO(content[: int(len(content) * share)]))


@pytest.fixture(scope="module", params=["VORBIS", "OPUS"])
def ogg(request):
    return encoded(sound(20, 48_000), 48_000, format="OGG", subtype=request.param)


def test_an_ogg_file_cut_between_two_pages_is_refused(ogg):
    for place in pages(ogg)[1:]:
        with pytest.raises(AudioError, match="truncated: its Ogg stream has no last page"):
            check_whole(io.BytesIO(ogg[:place]))


def test_an_ogg_file_that_lacks_a_page_is_refused(ogg):
    places = pages(ogg)
    for first, second in pairwise(places[1:]):
        with pytest.raises(AudioError, match="pages of its Ogg stream are missing"):
            check_whole(io.BytesIO(ogg[:first] + ogg[second:]))


def test_several_ogg_streams_in_a_row_are_refused(ogg):
    with pytest.raises(AudioError, match="holds several Ogg streams one after another"):
        check_whole(io.BytesIO(ogg + ogg))


def test_tags_behind_an_ogg_stream_do_no_harm(ogg):
    check_whole(io.BytesIO(ogg + b"TAG" + bytes(125)))


@pytest.mark.parametrize("size", [0x7FFFF000, 0xFFFFFFFF])
def test_a_wav_file_from_a_pipe_does_not_know_its_size(size):
    content = bytearray(encoded(sound(1)))
    place = content.find(b"data")
    content[place + 4 : place + 8] = size.to_bytes(4, "little")
    check_whole(io.BytesIO(bytes(content)))


def test_nothing_is_said_of_formats_that_declare_nothing():
    check_whole(io.BytesIO(b"whatever this is"))
    with pytest.raises(AudioError, match="empty: zero bytes"):
        check_whole(io.BytesIO(b""))
