"""Audio sources as text, and apart again."""

from pathlib import Path

import pytest

from emonet_bench.types import ArchiveMember, LazyAudio
from emonet_bench.types.audio import archive_member


@pytest.mark.parametrize("member", ["a.wav", "clips/a.wav", "odd::name.wav", "zip://a.wav"])
@pytest.mark.parametrize("form", ["zip", "tar"])
def test_a_member_is_written_as_fsspec_does_and_read_again(member, form):
    source = ArchiveMember(Path("in/audio.x"), member, form)
    assert archive_member(str(source)) == (form, member, "in/audio.x")


def test_the_address_is_the_one_that_fsspec_opens(tmp_path):
    fsspec = pytest.importorskip("fsspec")
    from tests.audio.test_archives import CLIPS, zipped

    source = ArchiveMember(zipped(tmp_path / "audio.zip"), "clips/1.wav")
    with fsspec.open(str(source)) as opened:
        assert opened.read() == CLIPS["clips/1.wav"]


def test_every_source_has_a_name_as_paths_do():
    assert ArchiveMember(Path("a.zip"), "clips/a.wav").name == "a.wav"
    assert LazyAudio("set@1/0", print).name == "set@1/0"
