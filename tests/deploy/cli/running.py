"""``emonet-predict`` run by tests: in this process, or in one of its own."""

import signal
import subprocess
import sys

from click.testing import CliRunner

from emonet_bench.deploy.cli import main


def emonet(*arguments, stdin=None):
    return CliRunner().invoke(main, list(arguments), input=stdin)


SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def process(*arguments, **options):
    """Start a process that hears signals as at a terminal: what whoever runs the tests ignores, it would ignore, too."""
    command = [sys.executable, "-m", "emonet_bench.deploy", *map(str, arguments)]
    before = {number: signal.signal(number, signal.default_int_handler) for number in SIGNALS}
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
