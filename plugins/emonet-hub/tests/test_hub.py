"""``emonet-bench hub`` against a stand-in of the hub: what is pushed is what is pulled, and nothing else is."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner
from conftest import TOKEN
from emonet_hub.package import Package

from emonet_bench.cli import main

NAMES = ("model.onnx", "model.json", "README.md")


def check_secret(said, *folders):
    """No token is printed or written, and what a model says of itself speaks to no terminal."""
    assert TOKEN not in said
    assert "\x1b" not in said
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


@pytest.fixture
def typed(tmp_path, hub, monkeypatch):
    """Type a command of ``emonet-bench hub``."""
    monkeypatch.chdir(tmp_path)

    def run(*words, status=0):
        said = CliRunner().invoke(main, ["hub", *map(str, words)])
        assert said.exit_code == status, said.output
        check_secret(said.output, tmp_path, hub.home)
        return said.stderr if status else said.stdout

    return run


@pytest.fixture
def model(package, tmp_path):
    """A copy of the exported package."""
    (tmp_path / "package").mkdir()
    for name in ("model.onnx", "model.json", "model.md"):
        shutil.copy(package / name, tmp_path / "package" / name)
    return tmp_path / "package" / "model.onnx"


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_what_is_pushed_is_what_is_pulled_by_its_digest(hub, typed, model, tmp_path):
    said = typed("push", model, "me/toy", "--private")
    assert hub.private == {"me/toy": True}
    _, files = hub.at("me/toy", "main")
    assert {name: files[name] for name in NAMES[:2]} == {name: (model.parent / name).read_bytes() for name in NAMES[:2]}
    card = files["README.md"].decode()
    assert card.startswith("---\nlibrary_name:")
    assert card.endswith(model.with_suffix(".md").read_text())
    command = re.search(r"emonet-bench hub (pull me/toy@[0-9a-f]{40} --sha256 [0-9a-f]{64})", said)[1].split()
    hub.commit("me/toy", {"model.onnx": b"another one, pushed since"})
    assert "says here what it said where it was exported" in typed(*command, "-o", "there")
    assert {path.name for path in (tmp_path / "there").iterdir()} == {"model.onnx", "model.json", "model.md"}
    assert digest(tmp_path / "there" / "model.onnx") == digest(model)
    assert (tmp_path / "there" / "model.md").read_text() == card


def test_a_second_push_changes_the_repository_that_is_there(hub, typed, model):
    typed("push", model, "me/toy")
    typed("push", model, "me/toy")
    assert hub.at("me/toy", "main")[1]["model.onnx"] == model.read_bytes()


def test_a_measured_card_is_pushed_where_it_is_of_this_very_file(hub, typed, model, tmp_path):
    card = tmp_path / "card"
    card.mkdir()
    (card / "card.md").write_text("---\ntags: []\n---\nMeasured.\n")
    (card / "card.json").write_text(json.dumps({"sha256": "0" * 64}))
    assert "was measured on another file" in typed("push", model, "me/toy", "--card", card, status=2)
    assert hub.repos == {}
    (card / "card.json").write_text(json.dumps({"sha256": digest(model)}))
    typed("push", model, "me/toy", "--card", card)
    assert hub.at("me/toy", "main")[1]["README.md"] == (card / "card.md").read_bytes()


def restrict(model, licence):
    """Give a model, and what lies beside it, another licence, as if it had been trained on another corpus."""
    import onnx

    loaded = onnx.load(model)
    for entry in loaded.metadata_props:
        entry.value = {"licence": licence, "synthetic": "false", "corpus": "savee"}.get(entry.key, entry.value)
    onnx.save(loaded, model)
    told = json.loads(model.with_suffix(".json").read_text())
    told["sha256"] = digest(model)
    told["metadata"] |= {"licence": licence, "synthetic": "false", "corpus": "savee"}
    model.with_suffix(".json").write_text(json.dumps(told))


def test_a_model_of_a_corpus_for_research_is_refused_without_the_flag_and_pulled_with_a_note(hub, typed, model):
    restrict(model, "on request, for research\x1b[2J")
    said = typed("push", model, "me/toy", status=2)
    assert "trained on 'savee', whose licence is 'on request, for research\\x1b[2J'" in said
    assert "--allow-restricted" in said
    assert hub.asked == [], "the hub has heard nothing of it"
    typed("push", model, "me/toy", "--allow-restricted")
    typed("pull", "me/toy", "-o", "there")


@pytest.mark.parametrize(
    ("licence", "synthetic", "may"),
    [
        ("CC BY 4.0", False, True),
        ("CC0-1.0 as published by audEERING; the original site says freely available", False, True),
        ("CC BY-NC-SA 4.0", False, False),
        ("unverified", False, False),
        ("unverified; the paper calls it freely available", False, False),
        ("on request, by agreement with the university", False, False),
        ("free of charge for academic purposes", False, False),
        ("", False, False),
        ('{"emodb": "CC0-1.0", "ravdess": "CC BY-NC-SA 4.0"}', False, False),
        ("", True, True),
    ],
)
def test_terms_that_are_unknown_or_restrict_use_close_the_gate(licence, synthetic, may, tmp_path):
    assert Package(tmp_path, "0" * 64, "corpus", licence, synthetic).publishable is may


def test_what_is_no_sound_package_is_not_pushed(hub, typed, model):
    with model.open("ab") as stream:
        stream.write(b"\0")
    assert "is not the file that model.json describes (SHA-256)" in typed("push", model, "me/toy", status=2)
    model.with_suffix(".json").unlink()
    assert "model.json: cannot be read" in typed("push", model, "me/toy", status=2)
    assert "is no exported model" in typed("push", "card.md", "me/toy", status=2)
    assert hub.asked == []


@pytest.mark.parametrize("damage", ["another digest", "another answer", "no description"])
def test_of_a_model_that_is_not_sound_nothing_is_kept(hub, typed, model, tmp_path, damage):
    typed("push", model, "me/toy")
    told = json.loads(model.with_suffix(".json").read_text())
    if damage == "another digest":
        hub.commit("me/toy", {"model.onnx": model.read_bytes() + b"\0"})
        expected = "me/toy: model.onnx: is not the file that model.json describes (SHA-256)"
    elif damage == "another answer":
        told["test_vectors"][0]["probabilities"].reverse()
        hub.commit("me/toy", {"model.json": json.dumps(told).encode()})
        expected = "from those of the export"
    else:
        hub.commit("me/toy", {"model.json": b"[]"})
        expected = "me/toy: model.json: is no description of a model"
    said = typed("pull", "me/toy", "-o", "there", status=2)
    assert expected in said
    assert "nothing of it was kept" in said
    assert list((tmp_path / "there").iterdir()) == []


def test_another_file_than_the_digest_says_is_refused(hub, typed, model, tmp_path):
    typed("push", model, "me/toy")
    said = typed("pull", "me/toy", "-o", "there", "--sha256", "0" * 64, status=2)
    assert f"model.onnx has the SHA-256 {digest(model)}, and not {'0' * 64}" in said
    assert list((tmp_path / "there").iterdir()) == []
    assert "give 64 hexadecimal digits" in typed("pull", "me/toy", "--sha256", "abc", status=2)


def test_of_several_models_one_is_named_and_names_that_lead_elsewhere_are_none(hub, typed, model, tmp_path):
    assert typed("push", model, "me/toy")
    hub.commit("me/toy", {"b/c.onnx": b"", "b/c.json": b"", "..onnx": b"", "..json": b"", ".json": b"", ".onnx": b""})
    typed("pull", "me/toy", "-o", "one")
    hub.commit("me/toy", {"other.onnx": model.read_bytes(), "other.json": model.with_suffix(".json").read_bytes()})
    assert "name one by --file: model.onnx, other.onnx" in typed("pull", "me/toy", status=2)
    typed("pull", "me/toy", "--file", "other.onnx", "-o", "there")
    assert (tmp_path / "there" / "other.onnx").read_bytes() == model.read_bytes()
    assert "has no third.onnx" in typed("pull", "me/toy", "--file", "third.onnx", status=2)


def test_what_the_hub_refuses_is_one_line(hub, typed, model, monkeypatch):
    assert "there is none at http://127.0.0.1" in typed("pull", "me/nothing", status=2)
    typed("push", model, "me/toy")
    assert "has no such revision" in typed("pull", "me/toy@" + "0" * 40, status=2)
    assert "give OWNER/NAME" in typed("pull", "a/b/c", status=2)
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 20)
    said = typed("push", model, "me/toy", status=2)
    assert "refuses" in said
    assert "HF_TOKEN" in said


def test_in_a_process_of_its_own_a_hub_that_is_down_is_one_line(hub, model, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    command = [sys.executable, "-m", "emonet_bench", "hub", "push", model, "me/toy"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert said.returncode == 2
    assert said.stderr.startswith("Error: me/toy: http://127.0.0.1:9 cannot be used")
    assert said.stderr.count("\n") == 1
    check_secret(said.stdout + said.stderr, tmp_path, hub.home)


def test_the_command_is_listed_without_importing_the_client():
    code = (
        "import sys; from click.testing import CliRunner; from emonet_bench.cli import main; "
        "assert 'hub' in CliRunner().invoke(main, ['--help']).output; print('huggingface_hub' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"


@pytest.mark.parametrize(
    "words", [("push", "", "me/toy"), ("push", "m.onnx", "me/toy", "--card", ""), ("pull", "me/toy", "-o", "")]
)
def test_an_empty_path_is_refused_before_the_hub_is_asked(typed, words):
    assert "is empty; name a file or a directory" in " ".join(typed(*words, status=2).split())
