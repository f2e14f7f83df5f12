"""``emonet-predict`` run by tests: in this process, or in one of its own."""

import subprocess
import sys

from click.testing import CliRunner

from emonet_bench.deploy.cli import main


def emonet(*arguments, stdin=None):
    return CliRunner().invoke(main, list(arguments), input=stdin)


def process(*arguments, **options):
    command = [sys.executable, "-m", "emonet_bench.deploy", *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
