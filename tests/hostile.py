"""Text of strangers, made to break out of every kind of output."""

ESCAPES = {
    "clear": "a\x1b[2J\x1b[31mb",
    "bell": "a\x07b\x08c",
    "c1": "a\x9b2Jb\x90q\x9c",
    "return": "honest\rfake",
    "bidi": "a\u202eb\u2066c\u2069",
    "tags": "a\U000e0041b\u200b",
    "surrogate": "a\udcffb\ud800",
    "nul": "a\x00b",
}
MARKUP = {
    "open": "a [noise] b",
    "close": "a [/s] b",
    "link": "[x](javascript:alert(1)) ![y](http://e)",
    "html": "<script>alert(1)</script><img src=x onerror='alert(1)'>\"&lt;",
    "pipe": "a|b||c",
    "lines": "first\n## second\r\n| x | y |",
    "ticks": "a`b``c```d",
    "latex": "50 % of $a_b^c$ {x} & \\input{/etc/passwd} ~ # <>",
    "first": "*[1ex] a",
    "formula": "=HYPERLINK(1)",
    "minus": "-2+3+cmd|' /C calc'!A0",
    "at": "@SUM(1)",
    "emoji": "a :smile: b",
    "comment": "note\n\\end{document}",
    "script": "</script><style>*{display:none}</style>",
}
HOSTILE = {**ESCAPES, **MARKUP}
FORBIDDEN = [
    chr(code) for code in (*range(9), *range(11, 32), *range(0x7F, 0xA0), 0x202E, 0x2066, 0x200B, 0xE0041, 0xDCFF)
]


def obeyed(text):
    """Return the characters in a text that a terminal would obey, or nobody would see."""
    return [char for char in FORBIDDEN if char in text]
