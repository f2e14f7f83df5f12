"""The programs of docs/clients.md verify an exported model where they run, and notice another one."""

import re
import shutil
import subprocess
from pathlib import Path

import onnxruntime
import pytest

from emonet_bench.export import export_single
from emonet_bench.export.file import write_model
from tests.exported import SIGNAL, export_cnn, whole_cnn

PAGE = (Path(__file__).parents[1] / "docs" / "clients.md").read_text(encoding="utf-8")
HEADER = """
#include <stddef.h>
#include <stdint.h>
/* What the program needs of onnxruntime's C API, whose table of functions only grows at its end; _ is another entry. */
#define ORT_API_VERSION 17
typedef struct OrtStatus OrtStatus; typedef struct OrtEnv OrtEnv; typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions; typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtValue OrtValue; typedef struct OrtRunOptions OrtRunOptions;
enum { ORT_LOGGING_LEVEL_WARNING = 2, OrtArenaAllocator = 1, OrtMemTypeDefault = 0 };
enum { ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT = 1, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 = 7 };
typedef struct {
  void *_0[2];
  const char *(*GetErrorMessage)(const OrtStatus *);
  OrtStatus *(*CreateEnv)(int, const char *, OrtEnv **);
  void *_4[3];
  OrtStatus *(*CreateSession)(const OrtEnv *, const char *, const OrtSessionOptions *, OrtSession **);
  void *_8[1];
  OrtStatus *(*Run)(OrtSession *, const OrtRunOptions *, const char *const *, const OrtValue *const *, size_t,
                    const char *const *, size_t, OrtValue **);
  OrtStatus *(*CreateSessionOptions)(OrtSessionOptions **);
  void *_11[19];
  OrtStatus *(*SessionGetInputCount)(const OrtSession *, size_t *);
  void *_31[18];
  OrtStatus *(*CreateTensorWithDataAsOrtValue)(const OrtMemoryInfo *, void *, size_t, const int64_t *, size_t, int,
                                               OrtValue **);
  void *_50[1];
  OrtStatus *(*GetTensorMutableData)(OrtValue *, void **);
  void *_52[17];
  OrtStatus *(*CreateCpuMemoryInfo)(int, int, OrtMemoryInfo **);
} OrtApi;
typedef struct { const OrtApi *(*GetApi)(uint32_t); const char *(*GetVersionString)(void); } OrtApiBase;
const OrtApiBase *OrtGetApiBase(void);
"""


def program(language):
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return code


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    file = export_cnn(tmp_path_factory.mktemp("model") / "model.onnx")
    write_model(file, file.read_bytes())
    return file


@pytest.fixture
def other(model, tmp_path):
    """The model with a description whose probabilities are another model's."""
    told = model.with_suffix(".json").read_text()
    first = re.search(r'"probabilities": \[([\d.]+)', told)[1]
    (tmp_path / "other.onnx").write_bytes(model.read_bytes())
    (tmp_path / "other.json").write_text(told.replace(first, "0.987654"))
    return tmp_path / "other.onnx"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    compiler = shutil.which("cc")
    libraries = sorted(Path(onnxruntime.__file__).parent.glob("capi/libonnxruntime.so.*"))
    if compiler is None or not libraries:
        pytest.skip("no C compiler is installed, or this onnxruntime has no library of its own")
    place = tmp_path_factory.mktemp("c")
    (place / "onnxruntime_c_api.h").write_text(HEADER)
    (place / "verify.c").write_text(program("c"))
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (place / name).symlink_to(libraries[0])
    flags = ["-Wall", "-Werror", "-I", ".", "-L", ".", f"-Wl,-rpath,{place}", "-lonnxruntime", "-lm"]
    subprocess.run([compiler, "verify.c", "-o", "verify", *flags], cwd=place, check=True)
    return place / "verify"


@pytest.mark.slow
def test_the_c_program_verifies_a_model_and_its_twin_and_notices_another_one(compiled, model, other):
    twin, _ = export_single(whole_cnn(), "ours", model, SIGNAL)
    for file in (model, twin):
        done = subprocess.run(
            [compiled, file, file.with_suffix(".json")], check=False, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert sum(map(float, done.stdout.split())) == pytest.approx(1, abs=1e-4)
    done = subprocess.run(
        [compiled, other, other.with_suffix(".json")], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    place = tmp_path_factory.mktemp("node")
    done = subprocess.run(
        ["npm", "install", "--silent", "--ignore-scripts", "onnxruntime-node"],
        cwd=place,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip(f"npm fetches no onnxruntime-node here: {done.stderr.strip()[-200:]}")
    (place / "verify.mjs").write_text(program("javascript"))
    return place / "verify.mjs"


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.downstream
def test_the_script_verifies_a_model_and_its_twin_and_notices_another_one(script, model, other):
    twin, _ = export_single(whole_cnn(), "ours", model, SIGNAL)
    for file in (model, twin):
        done = subprocess.run(["node", script, file], check=False, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert [line.split()[0] for line in done.stdout.splitlines()] == ["anger", "joy", "sadness"]
    done = subprocess.run(["node", script, other], check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert "from what the model said where it was exported" in done.stderr
