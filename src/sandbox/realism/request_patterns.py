"""Patterns of the API models, which are Java's, as Python's."""

from __future__ import annotations

import re

# Classes of Unicode that Python's `re` has no name for, as ranges within brackets; wide rather than narrow.
CLASSES = {
    "L": "a-zA-Z\u00aa\u00b5\u00ba\u00c0-\u1fff\u2c00-\ud7ff\uf900-\uffdc\U00010000-\U0003ffff",
    "M": "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0900-\u0903",
    "Z": " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
    "N": "0-9\u00b2\u00b3\u00b9\u00bc-\u00be\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u2070-\u2089\u2150-\u218b\uff10-\uff19",
    "P": "!-#%-*,-/:;?@\\[-\\]_{}\u00a1\u00a7\u00ab\u00b6\u00b7\u00bb\u00bf\u2010-\u2027\u2030-\u205e",
    "S": "$+<->^`|~\u00a2-\u00a6\u00a8\u00a9\u00ac\u00ae-\u00b1\u00b4\u00b8\u00d7\u00f7\u20a0-\u20bf\u2100-\u214f\u2190-\u2bff",
    "C": "\u0000-\u001f\u007f-\u009f",
    "Alnum": "a-zA-Z0-9", "Alpha": "a-zA-Z", "Digit": "0-9", "Lower": "a-z", "Upper": "A-Z", "ASCII": "\u0000-\u007f",
    "Graph": "!-~", "Print": " -~", "Punct": "!-/:-@\\[-`{-~", "Space": " \\t\\n\\x0b\\f\\r",
}
PARTS = {"Lu": "L", "Ll": "L", "Lt": "L", "Lm": "L", "Lo": "L", "Nd": "N", "Zs": "Z", "IsAlphabetic": "L"}


def compile_pattern(pattern: str) -> re.Pattern[str] | None:
    """The pattern for `fullmatch`, or None for one that cannot be said here: then nothing is refused by it."""
    unknown = False

    def name(found: re.Match[str]) -> str:
        nonlocal unknown
        key = found.group(1) or found.group(2)
        members = CLASSES.get(PARTS.get(key, key))
        if members is None:
            unknown = True
            return ""
        inside = pattern.rfind("[", 0, found.start()) > pattern.rfind("]", 0, found.start())
        return members if inside else f"[{members}]"

    text = re.sub(r"\\p\{(\w+)\}|\\p(\w)", name, pattern)
    if unknown or "&&" in text or r"\P" in text:
        return None
    try:
        return re.compile(text, re.ASCII)
    except re.error:
        return None
