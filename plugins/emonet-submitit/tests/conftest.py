"""A stand-in of SLURM: its four commands, as submitit calls them, with this machine as the only node."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

import pytest
import submitit

pytest_plugins = ["emonet_bench.testing"]

COMMON = f"""#!{sys.executable}
import os, re, signal, subprocess, sys
from pathlib import Path
root = Path(__file__).parent / "jobs"
"""
SBATCH = """
if (root / "refuse").exists():
    sys.exit("sbatch: error: invalid partition specified: nowhere")
job = str(len(list(root.glob("*.sh"))) + 1)
script = root / f"{job}.sh"
script.write_text(Path(sys.argv[1]).read_text())
if not (root / "hold").exists():
    ids = {"SLURM_JOB_ID": job, "SLURM_NTASKS": "1", "SLURM_JOB_NUM_NODES": "1", "SLURM_NODEID": "0", "SLURM_PROCID": "0"}
    run = subprocess.Popen(["bash", script], env=os.environ | ids, start_new_session=True, stdout=-3, stderr=-3)
    (root / f"{job}.pid").write_text(str(run.pid))
print(f"Submitted batch job {job}")
"""
SRUN = """
files, rest = {}, sys.argv[1:]
while rest[0].startswith("--"):
    flag = rest.pop(0)
    if flag in ("--output", "--error"):
        files[flag] = rest.pop(0).replace("%j", os.environ["SLURM_JOB_ID"]).replace("%t", "0")
sys.exit(subprocess.call(rest, stdout=open(files["--output"], "a"), stderr=open(files["--error"], "a")))
"""
SCANCEL = """
(root / f"{sys.argv[1]}.state").write_text("CANCELLED by 1000")
if (pid := root / f"{sys.argv[1]}.pid").exists():
    os.killpg(int(pid.read_text()), signal.SIGKILL)
"""
SACCT = """
def state(job):
    told, pid = root / f"{job}.state", root / f"{job}.pid"
    if told.exists():
        return told.read_text()
    if not pid.exists():
        return "PENDING"
    alive = Path("/proc", pid.read_text(), "stat")
    return "RUNNING" if alive.exists() and ") Z " not in alive.read_text() else "FAILED"

print("JobID|State|NodeList")
for job in sys.argv[sys.argv.index("--parsable2") + 1:]:
    if job != "-j":
        print(f"{job}|{state(job)}|here")
        print(f"{job}.batch|{state(job)}|here")
"""


class Slurm:
    """The stand-in: what was submitted, and what becomes of it."""

    def __init__(self, folder):
        self.jobs = folder / "jobs"
        self.jobs.mkdir(parents=True)
        for name, text in {"sbatch": SBATCH, "srun": SRUN, "scancel": SCANCEL, "sacct": SACCT}.items():
            (folder / name).write_text(COMMON + text)
            (folder / name).chmod(0o755)

    def hold(self):
        """Start no further jobs."""
        (self.jobs / "hold").touch()

    def refuse(self):
        """Take no further jobs."""
        (self.jobs / "refuse").touch()

    def asked(self, job):
        """Return what was asked for a job, by name."""
        lines = [line for line in (self.jobs / f"{job}.sh").read_text().splitlines() if line.startswith("#SBATCH")]
        return dict(line.removeprefix("#SBATCH --").partition("=")[::2] for line in lines)

    def end(self, job, state):
        """End a job from outside."""
        (self.jobs / f"{job}.state").write_text(state)
        with suppress(OSError):
            os.killpg(int((self.jobs / f"{job}.pid").read_text()), signal.SIGKILL)

    def state(self, job):
        """Return how a job was ended from outside, or None."""
        file = self.jobs / f"{job}.state"
        return file.read_text() if file.exists() else None


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    made = Slurm(tmp_path / "slurm")
    monkeypatch.setattr(submitit.SlurmJob, "watcher", type(submitit.SlurmJob.watcher)())  # it remembers job numbers
    monkeypatch.setenv("PATH", f"{tmp_path / 'slurm'}{os.pathsep}{os.environ['PATH']}")
    yield made
    for pid in made.jobs.glob("*.pid"):
        with suppress(OSError):
            os.killpg(int(pid.read_text()), signal.SIGKILL)
