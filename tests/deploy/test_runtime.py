"""onnxruntime's telemetry is off unless asked for."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import emonet_bench

HOST = Path(emonet_bench.__file__).parent


@pytest.mark.parametrize(
    ("module", "given", "found"),
    [
        *(("emonet_bench.deploy", *pair) for pair in ((None, "1"), ("0", "0"), ("1", "1"))),
        ("emonet_bench.export.gate", None, "1"),
    ],
)
def test_the_environment_says_so_before_onnxruntime_is_imported(module, given, found):
    code = (
        f"import os, sys, {module}\n"
        "from emonet_bench.deploy.runtime import onnxruntime\n"
        "print(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    clean = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    given = {} if given is None else {"ORT_DISABLE_TELEMETRY": given}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**clean, **given}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == found


def test_no_other_module_imports_onnxruntime_first():
    for path in HOST.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [
            name
            for node in ast.walk(tree)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        ]
        if any(name.partition(".")[0] == "onnxruntime" for name in names) and path.name != "runtime.py":
            before = names.index("emonet_bench.deploy.runtime")
            assert before < next(i for i, name in enumerate(names) if name.startswith("onnxruntime")), path
