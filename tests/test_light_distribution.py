"""emonet-predict, the light distribution: emonet-bench's own modules under another name, with little beside them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from emonet_bench.deploy import Predictor
from tests.exported import export_listener

ROOT = Path(__file__).parents[1]
LIGHT = ROOT / "predict"
BENCH, PREDICT = (tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8")) for folder in (ROOT, LIGHT))
BLOCKED = ("torch", "torchaudio", "pandas", "sklearn", "scipy", "pydantic", "pluggy", "rich_click", "emonet_bench")
MEGABYTES, SECONDS = 250, 0.3


def unpacked(archive, directory):
    with zipfile.ZipFile(archive) as wheel:
        wheel.extractall(directory)
    return directory


def built(project, directory):
    (path,) = WheelBuilder(str(project)).build(directory=str(directory), versions=["standard"])
    return Path(path)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built(LIGHT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def package(wheel, tmp_path_factory):
    return unpacked(wheel, tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return export_listener(tmp_path_factory.mktemp("model") / "model.onnx")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    file = tmp_path_factory.mktemp("audio") / "clip.wav"
    noise = 0.2 * np.random.default_rng(0).standard_normal((8_000, 2))
    soundfile.write(file, noise, 8_000)  # is mixed and resampled
    return file


def python(code, *arguments, package):
    """Run code that can import the package, and nothing of what prediction does without."""
    block = f"import sys; sys.modules.update(dict.fromkeys({BLOCKED}))\n"
    environment = {**os.environ, "PYTHONPATH": str(package)}
    command = [sys.executable, "-P", "-c", block + code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_every_module_is_imported_without_emonet_bench_and_what_training_needs(package):
    modules = sorted(
        ".".join(path.relative_to(package).with_suffix("").parts).removesuffix(".__init__")
        for path in (package / "emonet_predict").rglob("*.py")
        if path.name != "__main__.py"
    )
    assert "emonet_predict.deploy.serving.app" in modules
    done = python(
        "from importlib import import_module\nfor name in sys.argv[1:]: import_module(name)", *modules, package=package
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_predictor_imports_few_modules_of_its_own_and_little_beside_the_four_libraries(package):
    code = (
        "import numpy, onnxruntime, soundfile, soxr\n"
        "import concurrent.futures.thread, contextlib, dataclasses, hashlib, json, pathlib, tempfile, typing\n"
        "before = set(sys.modules)\n"
        "from emonet_predict import Predictor\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = python(code, package=package)
    assert (done.returncode, done.stderr) == (0, "")
    imported = set(done.stdout.split())
    assert [name for name in imported if name.partition(".")[0] != "emonet_predict"] == []
    rooms = {name.removeprefix("emonet_predict.") for name in imported if name.count(".") == 2}
    assert {room for room in rooms if room.startswith("types.")} == {"types.input_spec", "types.targets"}
    corpora = {"audio.archives", "audio.excerpts", "audio.sample_cache", "audio.sources", "audio.store_files"}
    commands = {"deploy.cli", "deploy.serving", "deploy.timeline", "deploy.annotations", "deploy.description"}
    assert "deploy.predictor" in rooms
    assert rooms & (corpora | commands) == set()


def test_the_command_and_the_predictor_say_what_emonet_bench_says(package, model, clip):
    (one,) = Predictor(model, "cpu").predict(clip)
    code = "from emonet_predict import Predictor\nfor one in Predictor(*sys.argv[1:3]).predict(sys.argv[3]): print(one.label, *one.probabilities)"
    label, *probabilities = python(code, model, "cpu", clip, package=package).stdout.split()
    assert label == one.label
    np.testing.assert_array_equal(np.array(probabilities, np.float32), one.probabilities)
    run = "import runpy; sys.argv[0] = 'emonet-predict'; runpy.run_module('emonet_predict', run_name='__main__')"
    done = python(run, model, clip, "--format", "csv", package=package)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1].startswith(f"{clip},0.000000,1.000000,{one.label},")
    done = python("from emonet_predict import __version__; print(__version__)", package=package)
    assert done.stdout.strip() == PREDICT["project"]["version"]
    done = python(run, "show", model, package=package)
    assert "anger, joy, sadness" in done.stdout


def test_nothing_in_it_names_the_other_package(package):
    own = [path for path in (package / "emonet_predict").rglob("*") if path.is_file()]
    assert [path.name for path in own if b"emonet_bench" in path.read_bytes()] == []


def test_the_modules_are_those_of_emonet_bench_and_none_is_forgotten(package):
    named = PREDICT["tool"]["hatch"]["build"]["hooks"]["custom"]["modules"]
    own = {"__init__.py", "__main__.py", "LICENSE"}
    there = {
        path.relative_to(package / "emonet_predict")
        for path in (package / "emonet_predict").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts  # other tests import it
    }
    expected = {
        path.relative_to(ROOT / "emonet_bench")
        for name in named
        for path in [ROOT / "emonet_bench" / name, *(ROOT / "emonet_bench" / name).rglob("*")]
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert there == expected | {Path(name) for name in own}


def test_a_source_distribution_makes_the_same_wheel_far_from_its_checkout(wheel, tmp_path):
    (path,) = SdistBuilder(str(LIGHT)).build(directory=str(tmp_path), versions=["standard"])
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path, filter="data")
    again = built(tmp_path / "emonet_predict-0.2.0", tmp_path / "again")
    contents = []
    for one in (wheel, again):
        with zipfile.ZipFile(one) as archive:
            contents.append({name: archive.read(name) for name in archive.namelist() if not name.endswith("RECORD")})
    assert contents[0] == contents[1]


def test_both_distributions_own_no_file_in_common(wheel, tmp_path):
    owned = []
    for path in (wheel, built(ROOT, tmp_path)):
        with zipfile.ZipFile(path) as archive:
            owned.append(set(archive.namelist()))
    assert owned[0] & owned[1] == set()


def test_version_requirements_and_extras_are_those_of_emonet_bench():
    bench, predict = BENCH["project"], PREDICT["project"]
    same = ("version", "license", "requires-python")
    assert [predict[name] for name in same] == [bench[name] for name in same]
    assert set(predict["dependencies"]) <= set(bench["dependencies"])
    extras = predict["optional-dependencies"]
    assert [extras[name] for name in ("parquet", "silero", "serve")] == [
        bench["optional-dependencies"][name] for name in ("parquet", "silero", "serve")
    ]
    runtimes = [line.partition(";")[0].strip() for line in bench["dependencies"] if line.startswith("onnxruntime")]
    assert sorted(runtimes) == sorted([*extras["cpu"], *extras["gpu"]])
    names = {re.match(r"\w+", line)[0] for line in predict["dependencies"]}
    assert names == {"click", "numpy", "rich", "soundfile", "soxr"}


def test_an_editable_installation_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(ValueError, match="install emonet-bench so, it has the same command"):
        list(WheelBuilder(str(LIGHT)).build(directory=str(tmp_path), versions=["editable"]))


@pytest.mark.network
@pytest.mark.downstream
def test_a_clean_environment_is_small_and_quick_and_takes_both_in_either_order(tmp_path, model, clip):
    venv.create(tmp_path / "env", with_pip=True)
    binaries = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin")
    before = megabytes(tmp_path / "env")

    def run(program, *arguments, status=0):
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [binaries / program, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
        assert done.returncode == status, done.stderr
        return done.stdout or done.stderr

    run("python", "-m", "pip", "install", "-q", LIGHT)
    assert run("emonet-predict", model, clip, status=2).startswith("Error: onnxruntime: is not installed; pip install")
    run("python", "-m", "pip", "install", "-q", f"{LIGHT}[cpu]")
    assert megabytes(tmp_path / "env") - before <= MEGABYTES
    imported = "import time; from emonet_predict import Predictor; print(time.process_time())"
    assert min(float(run("python", "-c", imported)) for _ in range(5)) < SECONDS
    told = run("emonet-predict", model, clip, "--format", "csv")
    assert told.splitlines()[1].startswith(f"{clip},0.000000,1.000000,")
    for order in ((ROOT, LIGHT), (LIGHT, ROOT)):
        run("python", "-m", "pip", "uninstall", "-q", "-y", "emonet-predict", "emonet-bench")
        for project in order:
            run("python", "-m", "pip", "install", "-q", "--no-deps", project)
        assert run("emonet-predict", model, clip, "--format", "csv") == told
        assert run("python", "-m", "emonet_predict", model, clip, "--format", "csv") == told
        assert run("python", "-m", "emonet_bench.deploy", model, clip, "--format", "csv") == told
    run("python", "-m", "pip", "uninstall", "-q", "-y", "emonet-bench")
    assert run("python", "-m", "emonet_predict", model, clip, "--format", "csv") == told


@pytest.mark.network
@pytest.mark.downstream
@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the oldest libraries have no wheels for it")
def test_the_oldest_libraries_that_it_takes_serve_it(tmp_path, model, clip):
    venv.create(tmp_path / "env", with_pip=True)
    binaries = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin")
    wanted = [*PREDICT["project"]["dependencies"], *PREDICT["project"]["optional-dependencies"]["cpu"]]
    oldest = [
        f"{name}=={version}.*" for name, version in (re.match(r"([\w-]+)>=([\d.]+)", one).groups() for one in wanted)
    ]
    subprocess.run([binaries / "python", "-m", "pip", "install", "-q", LIGHT, *oldest], check=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for words in (["--help"], ["show", model], [model, clip], [model, clip, "--window", "0.5", "--gate", "-50"]):
        command = [binaries / "emonet-predict", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert (done.returncode, done.stderr) == (0, "")


def megabytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
