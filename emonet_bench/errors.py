"""Errors that a user can mend: each message is one line that names the file or option and the remedy."""

DISTRIBUTION = __name__.partition(".")[0].replace("_", "-")
"""What is to be installed anew where that is the remedy: emonet-bench, or emonet-predict with the same modules."""


class EmonetBenchError(Exception):
    """A mistake outside the program; the command line prints it without a traceback."""


class ConfigError(EmonetBenchError):
    """An option, a matrix file or a name in one of them is wrong."""


class CorpusError(EmonetBenchError):
    """A corpus is missing, incomplete or contradicts its description."""


class AudioError(EmonetBenchError):
    """An audio file cannot be read."""


class PluginError(EmonetBenchError):
    """A plugin is broken or two plugins claim the same name."""


class StoreError(EmonetBenchError):
    """A results directory cannot be read or written."""


class OutOfSpaceError(StoreError):
    """The disk has no room; that is nobody's fault but the disk's, and what was done goes on from there."""


class ExportError(EmonetBenchError):
    """A trained network cannot be exported, or its export does not agree with it."""


class Skipped(EmonetBenchError):  # noqa: N818 - a verdict, not a failure
    """A cell cannot be run by nature; the message is the reason shown in the table."""


class TrainingError(EmonetBenchError):
    """A training went wrong by its own numbers; the cell fails and the others go on."""


class Terminated(BaseException):
    """A signal asked this process to end.

    Attributes:
        status: The exit status, as shells have it: 128 + the signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number
