"""Members of archives are heard as the files that they were; hostile and damaged archives are one line."""

import io
import os
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from emonet_bench.audio import archives
from emonet_bench.audio.archives import opened_member
from emonet_bench.audio.excerpts import decoded
from emonet_bench.errors import AudioError
from emonet_bench.types import ArchiveMember
from tests.audio.made import encoded, sound

CLIPS = {f"clips/{seed}.wav": encoded(sound(0.3, seed=seed)) for seed in range(6)}


def zipped(path, members=CLIPS, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def tarred(path, members=CLIPS, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def held(source):
    with opened_member(source) as member:
        return member.read()


def refused(source):
    with pytest.raises(AudioError) as caught:
        held(source)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_of_zip_files_are_what_was_put_in_whatever_the_compression(tmp_path, compression):
    archive = zipped(tmp_path / "audio.zip", compression=compression)
    for name, content in CLIPS.items():
        assert held(ArchiveMember(archive, name)) == content


def test_members_of_tar_files_are_what_was_put_in_whatever_stands_before_their_names(tmp_path):
    archive = tarred(tmp_path / "audio.tar", {f"./{name}": content for name, content in CLIPS.items()})
    for name, content in CLIPS.items():
        assert held(ArchiveMember(archive, name, "tar")) == content


def test_a_clip_is_decoded_from_an_archive_as_from_a_file_and_in_many_threads(tmp_path):
    sources = [ArchiveMember(zipped(tmp_path / "audio.zip"), name) for name in CLIPS] * 4
    sources += [ArchiveMember(tarred(tmp_path / "audio.tar"), name, "tar") for name in CLIPS] * 4
    with ThreadPoolExecutor(8) as pool:
        heard = list(pool.map(lambda source: decoded(source, 0.1, 0.25), sources))
    for source, (samples, rate) in zip(sources, heard, strict=True):
        expected, _ = decoded(io.BytesIO(CLIPS[source.member]), 0.1, 0.25)
        np.testing.assert_array_equal(samples, expected)
        assert rate == 16_000


def test_names_are_found_in_either_form_of_unicode(tmp_path):
    archive = zipped(tmp_path / "audio.zip", {"fro\u0308hlich.wav": b"one", "tr\u00fcb.wav": b"two"})
    assert held(ArchiveMember(archive, "fr\u00f6hlich.wav")) == b"one"
    assert held(ArchiveMember(archive, "tru\u0308b.wav")) == b"two"


def test_an_archive_that_has_changed_is_read_anew(tmp_path):
    archive = zipped(tmp_path / "audio.zip", {"a.wav": b"first"})
    assert held(ArchiveMember(archive, "a.wav")) == b"first"
    zipped(archive, {"a.wav": b"the second"})
    assert held(ArchiveMember(archive, "a.wav")) == b"the second"


@pytest.mark.parametrize("name", ["../../escaped.wav", "/escaped.wav", "..\\escaped.wav", "a\nb.wav", "C:/x.wav"])
@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_hostile_name_is_a_name_in_the_archive_and_nothing_is_written(tmp_path, monkeypatch, name, make):
    monkeypatch.chdir(tmp_path)
    archive = make(tmp_path / "archive", {name: b"content"})
    form = "zip" if make is zipped else "tar"
    assert held(ArchiveMember(archive, name, form)) == b"content"
    assert "no such member" in refused(ArchiveMember(archive, "../archive", form))
    assert sorted(tmp_path.rglob("*")) == [archive]
    assert not (tmp_path.parent / "escaped.wav").exists()


def test_links_and_folders_in_an_archive_are_no_clips(tmp_path):
    archive = tmp_path / "audio.tar"
    with tarfile.open(archive, "w") as packed:
        for name, kind in (
            ("link.wav", tarfile.SYMTYPE),
            ("hard.wav", tarfile.LNKTYPE),
            ("pipe.wav", tarfile.FIFOTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/hostname"
            packed.addfile(info)
    for name in ("link.wav", "hard.wav", "pipe.wav"):
        assert "no plain file" in refused(ArchiveMember(archive, name, "tar"))
    assert "no plain file" in refused(ArchiveMember(zipped(tmp_path / "a.zip", {"clips/": b""}), "clips/"))


def test_what_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_BYTES", 2**30)
    archive = zipped(tmp_path / "bomb.zip", {"a.wav": bytes(2**16)})
    content = archive.read_bytes()
    lying = content.replace((2**16).to_bytes(4, "little"), (2**31 - 1).to_bytes(4, "little"))
    archive.write_bytes(lying)
    assert refused(ArchiveMember(archive, "a.wav")) == "would be 2.0 GiB unpacked; a clip may have 1"


@pytest.mark.parametrize("cut", [20, 400])
def test_a_damaged_archive_is_one_line(tmp_path, cut):
    archive = zipped(tmp_path / "audio.zip")
    archive.write_bytes(archive.read_bytes()[:-cut])
    assert "damaged, or none" in refused(ArchiveMember(archive, "clips/0.wav"))
    tar = tarred(tmp_path / "audio.tar")
    tar.write_bytes(tar.read_bytes()[:2_000])
    assert "damaged, or none" in refused(ArchiveMember(tar, "clips/0.wav", "tar"))


def test_a_flipped_bit_in_a_zip_file_is_found_by_its_checksum(tmp_path):
    archive = zipped(tmp_path / "audio.zip", {"a.wav": CLIPS["clips/0.wav"]}, zipfile.ZIP_STORED)
    content = bytearray(archive.read_bytes())
    content[3_000] ^= 1
    archive.write_bytes(content)
    assert "Bad CRC-32" in refused(ArchiveMember(archive, "a.wav"))


def test_a_compressed_tar_file_is_refused_with_the_remedy(tmp_path):
    archive = tarred(tmp_path / "audio.tar.gz", mode="w:gz")
    assert "unpack it" in refused(ArchiveMember(archive, "clips/0.wav", "tar"))


def test_a_password_is_asked_for_in_one_line(tmp_path):
    archive = zipped(tmp_path / "audio.zip", {"a.wav": b"content"}, zipfile.ZIP_STORED)
    content = bytearray(archive.read_bytes())
    content[6] |= 1  # the flag of an encrypted member, in both of its headers
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    assert "password" in refused(ArchiveMember(archive, "a.wav"))


def test_what_is_no_file_is_never_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.zip")
    assert "a pipe or a device" in refused(ArchiveMember(tmp_path / "pipe.zip", "a.wav"))
    assert "a folder" in refused(ArchiveMember(tmp_path, "a.wav"))
    assert "no such file" in refused(ArchiveMember(tmp_path / "gone.zip", "a.wav"))
