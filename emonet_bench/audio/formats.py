"""Audio formats: by which suffixes a file is taken for audio."""

from __future__ import annotations

SUFFIXES = frozenset(
    {".aif", ".aifc", ".aiff", ".au", ".avr", ".caf", ".flac", ".htk", ".ircam", ".mp3", ".mpc2k", ".nist", ".oga"}
    | {".ogg", ".opus", ".paf", ".pvf", ".rf64", ".sd2", ".sds", ".snd", ".sph", ".svx", ".voc", ".w64", ".wav"}
    | {".wave", ".wavex", ".wve", ".xi"}
)
"""Suffixes, in small letters, of files that libsndfile reads and that say themselves what they hold."""
