"""The serverless page: its three files, and where the runtime comes from."""

import base64
import io
import subprocess
import tarfile
from types import SimpleNamespace

import pytest

from emonet_bench.deploy.serving import browser
from emonet_bench.deploy.serving.browser import RUNTIME, write_page
from emonet_bench.errors import ConfigError

FILES = {
    "ort.wasm.min.js": b"var ort = {};\n//# sourceMappingURL=ort.js.map",
    "ort-wasm-simd-threaded.mjs": b"export default 1;",
    "ort-wasm-simd-threaded.wasm": bytes(range(256)),
}


@pytest.fixture
def runtime(tmp_path):
    """A folder that looks like onnxruntime-web."""
    folder = tmp_path / "onnxruntime-web" / "dist"
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return folder.parent


def pack(folder):
    """Write what npm would."""
    with tarfile.open(folder / "onnxruntime-web.tgz", "w:gz") as archive:
        for name, content in FILES.items():
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def assert_whole(page, model):
    assert sorted(file.name for file in page.iterdir()) == ["index.html", "model.js", "runtime.js"]
    script = (page / "runtime.js").read_text()
    assert base64.b64encode(FILES["ort-wasm-simd-threaded.wasm"]).decode() in script
    assert "sourceMappingURL" not in script
    held = (page / "model.js").read_text().partition('"')[2].partition('"')[0]
    assert base64.b64decode(held) == model.read_bytes()


@pytest.mark.parametrize("named", [".", "dist"])
def test_the_runtime_may_be_named_as_its_package_or_its_files(model, runtime, tmp_path, named):
    write_page(model, tmp_path / "deep" / "page", runtime / named)
    assert_whole(tmp_path / "deep" / "page", model)


def test_without_a_folder_npm_fetches_the_version_that_was_tried_and_runs_nothing_of_it(model, tmp_path, monkeypatch):
    def run(command, cwd, **_):
        assert command == ["/bin/npm", "pack", "--silent", "--ignore-scripts", RUNTIME]
        pack(browser.Path(cwd))
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(browser.shutil, "which", lambda _: "/bin/npm")
    monkeypatch.setattr(browser.subprocess, "run", run)
    write_page(model, tmp_path / "page")
    assert_whole(tmp_path / "page", model)


def failing(*_, **__):
    return SimpleNamespace(returncode=1, stderr="npm error\n network\n")


def waiting(command, **_):
    raise subprocess.TimeoutExpired(command, 300)


@pytest.mark.parametrize(("run", "words"), [(failing, "npm error network"), (waiting, "did not fetch .* in 300 s")])
def test_an_npm_that_fails_is_one_line_and_leaves_nothing(model, tmp_path, monkeypatch, run, words):
    monkeypatch.setattr(browser.shutil, "which", lambda _: "/bin/npm")
    monkeypatch.setattr(browser.subprocess, "run", run)
    with pytest.raises(ConfigError, match=rf"^page: npm .*{words}.*--runtime$"):
        write_page(model, tmp_path / "page")
    assert not (tmp_path / "page").exists()


def test_a_runtime_that_is_none_or_incomplete_is_one_line(model, runtime, tmp_path):
    for folder, words in ((tmp_path / "gone", "is no directory"), (tmp_path, "holds no ort-wasm-simd-threaded.wasm")):
        with pytest.raises(ConfigError, match=rf"^--runtime: .*{words}; name the folder of onnxruntime-web$"):
            write_page(model, tmp_path / "page", folder)
    (runtime / "dist" / "ort.wasm.min.js").unlink()
    with pytest.raises(ConfigError, match=r"^--runtime: .*ort\.wasm\.min\.js: No such file"):
        write_page(model, tmp_path / "page", runtime)


def test_a_page_where_a_file_lies_is_one_line(model, runtime):
    with pytest.raises(ConfigError, match=r"^--output: .* is a file; name a directory$"):
        write_page(model, model, runtime)
