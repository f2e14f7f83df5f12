"""A corpus in an archive, from its table to a run: as that of the files, in workers as well."""

import pickle
import zipfile

import pytest
from click.testing import CliRunner

from emonet_bench import run_matrix
from emonet_bench.cli.corpora import corpora
from emonet_bench.errors import AudioError
from emonet_bench.matrix.cells.cell import run_cell
from emonet_bench.matrix.cells.job import Job
from emonet_bench.matrix.planning.plan import MatrixSource, plan
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.report.reading import load
from emonet_bench.runs.files import RunFiles
from tests.audio.made import encoded, sound

ROWS = [(part, label, n) for part in ("train", "dev", "test") for label in ("calm", "loud") for n in range(3)]


def clip(part, label, number):
    level = 1.0 if label == "loud" else 0.2
    return encoded(level * sound(0.4, 8_000, seed=10 * len(part) + number), 8_000)


def content():
    return {f"{part}/{label}{n}.wav": clip(part, label, n) for part, label, n in ROWS}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The same corpus twice: files in a folder that is called as the archive is, and the archive."""
    base = tmp_path_factory.mktemp("archived")
    files, archived = base / "files", base / "archived"
    archived.mkdir()
    audio = content()
    for name, each in audio.items():
        path = files / "audio.zip" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(each)
    with zipfile.ZipFile(archived / "audio.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, each in audio.items():
            archive.writestr(name, each)
    for folder, cell in ((files, "audio.zip/{}"), (archived, "zip://{}::audio.zip")):
        lines = [f"{cell.format(f'{part}/{label}{n}.wav')},{label},{part}" for part, label, n in ROWS]
        (folder / "utterances.csv").write_text("\n".join(["file,label,partition", *lines]) + "\n")
    return files, archived


def matrix(folder):
    return {
        "corpora": {"tones": {"path": str(folder), "card": str(folder), "protocol": "own"}},
        "architectures": ["svm"],
        "strategies": ["scratch"],
        "seeds": [0],
        "training": {"sampling_rate": 8_000, "device": "cpu", "threads": 1, "precision": "float32"},
        "options": {"svm": {"num_mels": 12, "n_fft": 256, "hop": 128, "f_max": 4000}},
    }


def test_a_run_on_an_archive_is_the_run_on_its_files_with_the_same_id_and_travels_to_workers(folders, tmp_path):
    found = []
    for number, folder in enumerate(folders):
        plugins, results = Plugins(), tmp_path / str(number)
        results.mkdir()
        (cell,) = plan(MatrixSource(matrix(folder), "the test", folder), plugins).cells
        job = Job(cell, Selection(), results, corpora=(plugins.corpora["tones"],))
        assert run_cell(pickle.loads(pickle.dumps(job))) is None
        (record,) = load(results)
        found.append(record.run_id)
        found.append(RunFiles(next(results.glob("*-*"))).predictions().read_text())
    assert found[:2] == found[2:]


def test_an_audit_hears_what_is_in_an_archive(folders):
    told = CliRunner().invoke(corpora, ["audit", "archived"], obj=Selection(corpora_dir=folders[1].parent))
    assert "18 clips" in told.output, told.output


def test_bad_members_are_named_with_their_archive_in_one_line(folders, tmp_path):
    (tmp_path / "utterances.csv").write_text(
        "file,label,partition\nzip://a.wav::audio.zip,a,train\nzip://gone.wav::audio.zip,b,dev\na.wav,a,test\n"
    )
    with zipfile.ZipFile(tmp_path / "audio.zip", "w") as archive:
        archive.writestr("a.wav", "no audio")
    (tmp_path / "a.wav").write_bytes(encoded(sound(0.3)))
    with pytest.raises(AudioError) as caught:
        run_matrix(matrix(tmp_path), results=tmp_path / "results")
    (line,) = str(caught.value).splitlines()
    first, second = line.split("; ")[-2:]
    assert f"zip://a.wav::{tmp_path}/audio.zip: " in first
    assert second.startswith(f"zip://gone.wav::{tmp_path}/audio.zip: ")
    assert "the archive has no such member among its 1, such as 'a.wav'" in second
