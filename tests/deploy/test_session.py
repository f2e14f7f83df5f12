"""An ONNX file is opened when it is needed, once, or refused in one line."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from emonet_bench.deploy.session import LateSession, open_session
from emonet_bench.errors import ConfigError


def test_a_late_session_is_opened_once_and_only_when_it_is_asked():
    opened = []

    def opens():
        opened.append(SimpleNamespace(run=lambda: len(opened)))
        return opened[-1]

    session = LateSession(opens)
    assert opened == []
    with ThreadPoolExecutor(8) as pool:
        told = set(pool.map(lambda _: session.run(), range(32)))
    assert (len(opened), told) == (1, {1})


def test_what_is_no_onnx_file_is_one_line(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    for name, reason in {"model.onnx": "not an ONNX file", "gone.onnx": "no such file"}.items():
        with pytest.raises(ConfigError, match=rf"{name}: {reason}") as caught:
            open_session(tmp_path / name, "cpu")
        assert "\n" not in str(caught.value)
