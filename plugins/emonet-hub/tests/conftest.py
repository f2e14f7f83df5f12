"""A stand-in of the hub's HTTP interface on this machine: what its client calls to create, commit, look up and fetch."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

MATRIX = """
corpora = ["synthetic-acted"]
architectures = ["cnn"]
strategies = ["scratch"]
[training]
epochs = 1
batch_size = 8
window = 0.5
limit = 8
[options.cnn]
num_mels = 16
n_fft = 256
hop = 256
number_of_resnet_blocks = 1
number_of_filters = 4
"""
TOKEN = "hf_" + "s3cret" * 6


class Hub:
    """The stand-in: its repositories, each a list of commits that map a file's name to its bytes."""

    def __init__(self):
        self.repos, self.private, self.objects, self.asked = {}, {}, {}, []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"hub": self}))
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def commit(self, repo, files):
        """Add a commit; return its name."""
        commits = self.repos.setdefault(repo, {})
        before = list(commits.values())[-1] if commits else {}
        sha = hashlib.sha1(f"{repo} {len(commits)}".encode()).hexdigest()
        commits[sha] = before | files
        return sha

    def at(self, repo, revision):
        """Return a commit's name and its files, or None."""
        commits = self.repos.get(repo)
        if not commits:
            return None
        sha = list(commits)[-1] if revision == "main" else revision
        return (sha, commits[sha]) if sha in commits else None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_):
        pass

    def answer(self, status=200, content=b"", **headers):
        body = json.dumps(content).encode() if isinstance(content, dict | list) else content
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, code):
        self.answer(status, {"error": code}, X_Error_Code=code, X_Error_Message=code)

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.hub.asked.append((self.command, self.path))
        may_write = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        path = self.path.partition("?")[0]
        for method, pattern, action in ROUTES:
            if self.command in method and (found := re.fullmatch(pattern, path)):
                if "GET" not in method and not may_write and "lfs-put" not in path:
                    return self.refuse(401, "Unauthorized")
                return action(self, body, *found.groups())
        return self.refuse(404, "EntryNotFound")

    do_GET = do_HEAD = do_POST = do_PUT = serve  # noqa: N815 - the names that http.server calls

    def create(self, body):
        asked = json.loads(body)
        name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else f"me/{asked['name']}"
        if name in self.hub.repos:
            return self.answer(409, {"error": "exists", "url": f"{self.hub.address}/{name}"})
        self.hub.repos[name], self.hub.private[name] = (
            {},
            "private" in (asked.get("visibility"), asked.get("private") and "private"),
        )
        self.hub.commit(name, {".gitattributes": b"*.onnx filter=lfs"})
        return self.answer(200, {"url": f"{self.hub.address}/{name}", "name": name})

    def validate(self, body):
        text = json.loads(body)["content"]
        errors = [] if text.startswith("---\n") else [{"message": "no front matter"}]
        return self.answer(400 if errors else 200, {"errors": errors, "warnings": []})

    def preupload(self, body, repo, revision):
        if self.hub.at(repo, revision) is None:
            return self.refuse(404, "RevisionNotFound" if repo in self.hub.repos else "RepoNotFound")
        modes = [
            {"path": file["path"], "uploadMode": "lfs" if file["path"].endswith(".onnx") else "regular"}
            for file in json.loads(body)["files"]
        ]
        return self.answer(200, {"files": [mode | {"shouldIgnore": False, "oid": None} for mode in modes]})

    def batch(self, body, repo):
        del repo
        objects = []
        for one in json.loads(body)["objects"]:
            upload = {"upload": {"href": f"{self.hub.address}/lfs-put/{one['oid']}"}}
            known = one["oid"] in self.hub.objects
            objects.append({"oid": one["oid"], "size": one["size"], **({} if known else {"actions": upload})})
        return self.answer(200, {"transfer": "basic", "objects": objects})

    def put(self, body, oid):
        assert hashlib.sha256(body).hexdigest() == oid
        self.hub.objects[oid] = body
        return self.answer()

    def add(self, body, repo, revision):
        del revision
        files = {}
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
        sha = self.hub.commit(repo, files)
        address = f"{self.hub.address}/{repo}/commit/{sha}"
        return self.answer(200, {"success": True, "commitOid": sha, "commitUrl": address, "hookOutput": ""})

    def info(self, body, repo, revision="main"):
        del body
        found = self.hub.at(repo, revision)
        if found is None:
            return self.refuse(404, "RevisionNotFound" if repo in self.hub.repos else "RepoNotFound")
        sha, files = found
        siblings = [{"rfilename": name} for name in files]
        return self.answer(200, {"id": repo, "modelId": repo, "sha": sha, "siblings": siblings, "private": False})

    def resolve(self, body, repo, revision, name):
        del body
        found = self.hub.at(repo, revision)
        if found is None or name not in found[1]:
            return self.refuse(404, "EntryNotFound")
        content = found[1][name]
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        return self.answer(200, content, X_Repo_Commit=found[0], ETag=tag, X_Linked_Size=str(len(content)))


REPO = r"([\w.-]+/[\w.-]+)"
ROUTES = [
    ({"POST"}, "/api/repos/create", Handler.create),
    ({"POST"}, "/api/validate-yaml", Handler.validate),
    ({"POST"}, f"/api/models/{REPO}/preupload/([^/]+)", Handler.preupload),
    ({"POST"}, f"/{REPO}\\.git/info/lfs/objects/batch", Handler.batch),
    ({"PUT"}, r"/lfs-put/(\w+)", Handler.put),
    ({"POST"}, f"/api/models/{REPO}/commit/([^/]+)", Handler.add),
    ({"GET"}, f"/api/models/{REPO}", Handler.info),
    ({"GET"}, f"/api/models/{REPO}/revision/([^/]+)", Handler.info),
    ({"GET", "HEAD"}, f"/{REPO}/resolve/([^/]+)/([\\w.-]+)", Handler.resolve),
]


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """Export a run of the generated corpus, as a user does."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "matrix.toml").write_text(MATRIX)
    command = [sys.executable, "-m", "emonet_bench", "run", "matrix", "matrix.toml", "--jobs", "1", "--export"]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr
    (model,) = folder.glob("results/*/model.onnx")
    return model.parent


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """Run the stand-in, in the environment of somebody who has logged in, before the client is imported."""
    made, home = Hub(), tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("HF_", "HUGGING"))]:
            patch.delenv(name)
        settings = {
            "HF_ENDPOINT": made.address,
            "HF_TOKEN": TOKEN,
            "HF_HOME": str(home / "hf"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HOME": str(home),
        }
        for name, value in settings.items():
            patch.setenv(name, value)
        made.home = home
        yield made
    made.close()


@pytest.fixture
def hub(running):
    """The stand-in, empty."""
    for kept in (running.repos, running.private, running.objects, running.asked):
        kept.clear()
    return running
