"""The serverless page: a folder that runs an exported model in the browser, with onnxruntime-web beside it.

Model and runtime are scripts that hold them in base64, so that the page works where it is opened as a file, too: there
a browser loads scripts and nothing else.
"""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from emonet_bench.deploy.serving.models import open_models
from emonet_bench.deploy.serving.page import read, render, script
from emonet_bench.errors import ConfigError
from emonet_bench.files import write_text

RUNTIME = "onnxruntime-web@1.30.0"
"""The package of npm that is fetched where none is named; the page was tried with this one."""

_FILES = {
    "script": "ort.wasm.min.js",
    "glue": "ort-wasm-simd-threaded.mjs",
    "wasm": "ort-wasm-simd-threaded.wasm",
}
_NPM_SECONDS = 300
_POLICY = (
    "default-src 'none'; script-src 'self' file: 'unsafe-inline' 'wasm-unsafe-eval' data: blob:; "
    "style-src 'unsafe-inline'; img-src data:; media-src blob:; connect-src 'none'; base-uri 'none'; form-action 'none'"
)


def write_page(model: Path, directory: Path, runtime: Path | None = None) -> None:
    """Write ``index.html``, ``model.js`` and ``runtime.js``.

    Args:
        model: A file written by ``emonet-bench export``.
        directory: Where the page belongs; it is made where it is missing.
        runtime: Folder of onnxruntime-web, or its ``dist``; None: npm fetches it.

    Raises:
        ConfigError: The model cannot be opened, the runtime is none, or npm is missing or fails.
        OSError: The directory cannot be written.
    """
    (served,) = open_models([model], "cpu").values()
    if directory.exists() and not directory.is_dir():
        raise ConfigError(f"--output: {directory} is a file; name a directory")
    parts = _fetched() if runtime is None else _found(runtime)
    directory.mkdir(parents=True, exist_ok=True)
    write_text(directory / "runtime.js", _runtime_script(parts))
    write_text(directory / "model.js", f'const modelFile = "{_text(model.read_bytes())}";\n')
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
    sources = '<script src="runtime.js"></script>\n<script src="model.js"></script>\n'
    told = {"model": served.facts()}
    write_text(directory / "index.html", render(told, sources + script(read("local.js")), policy))


def _runtime_script(parts: dict[str, bytes]) -> str:
    own = parts["script"].decode().partition("//# sourceMappingURL")[0]
    held = json.dumps({name: _text(parts[name]) for name in ("glue", "wasm")})
    return f"{own}\nconst runtimeFiles = {held};\n"


def _found(folder: Path) -> dict[str, bytes]:
    """Read the runtime from a folder."""
    if not folder.is_dir():
        raise ConfigError(f"--runtime: {folder} is no directory; name the folder of onnxruntime-web")
    places = (folder, folder / "dist", folder / "node_modules" / "onnxruntime-web" / "dist")
    place = next((place for place in places if (place / _FILES["wasm"]).is_file()), None)
    if place is None:
        raise ConfigError(f"--runtime: {folder} holds no {_FILES['wasm']}; name the folder of onnxruntime-web")
    try:
        return {part: (place / name).read_bytes() for part, name in _FILES.items()}
    except OSError as error:
        raise ConfigError(f"--runtime: {error.filename}: {error.strerror}; install {RUNTIME} anew") from error


def _fetched() -> dict[str, bytes]:
    """Fetch the runtime from npm, without running anything of it."""
    npm = shutil.which("npm")
    if npm is None:
        raise ConfigError(f"page: npm is not installed; install it, or name a folder of {RUNTIME} with --runtime")
    with TemporaryDirectory() as folder:
        command = [npm, "pack", "--silent", "--ignore-scripts", RUNTIME]
        try:
            done = subprocess.run(  # noqa: S603 - nothing of it comes from a user
                command, cwd=folder, capture_output=True, text=True, timeout=_NPM_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ConfigError(
                f"page: npm did not fetch {RUNTIME} in {_NPM_SECONDS} s; name a folder with --runtime"
            ) from error
        archives = [*Path(folder).glob("*.tgz")]
        if done.returncode or not archives:
            reason = " ".join(done.stderr.split())[:200] or f"status {done.returncode}"
            raise ConfigError(f"page: npm cannot fetch {RUNTIME} ({reason}); name a folder with --runtime")
        return _unpacked(archives[0].read_bytes())


def _unpacked(archive: bytes) -> dict[str, bytes]:
    """Read the runtime out of npm's archive."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        members = {part: packed.extractfile(f"package/dist/{name}") for part, name in _FILES.items()}
        return {part: member.read() for part, member in members.items() if member is not None}


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
