"""The audit: what in a corpus, or in the way a protocol divides it, makes a score mean less than it says."""

from emonet_bench.audit.findings import VERDICTS, Finding, refuse_leaks, verdict
from emonet_bench.audit.gaps import gaps
from emonet_bench.audit.leaks import identical, near, overlaps, quick
from emonet_bench.audit.signal_checks import ClipStats, all_clip_stats, clip_stats
from emonet_bench.audit.whole import whole

__all__ = [
    "VERDICTS",
    "ClipStats",
    "Finding",
    "all_clip_stats",
    "clip_stats",
    "gaps",
    "identical",
    "near",
    "overlaps",
    "quick",
    "refuse_leaks",
    "verdict",
    "whole",
]
