"""File names of any kind, in text that must be valid UTF-8 and in tables that a spreadsheet opens."""

import re

# Characters that start a formula in a spreadsheet (OWASP, CSV Injection), full-width forms included.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def readable(name: str) -> str:
    r"""Return a name whose bytes that are not text are written as ``\xff``.

    Python has such bytes as lone surrogates, which UTF-8 cannot hold. All other names stay as they are.
    """
    return re.sub("[\ud800-\udfff]", lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", name)


def in_spreadsheet(key: str) -> str:
    """Return the path of a file below a folder in a form that no spreadsheet takes for a formula.

    ``=1+1.png`` becomes ``./=1+1.png``: another spelling of the same path, so programs still find the file. The usual
    apostrophe would make it the path of another file.
    """
    return f"./{key}" if key.startswith(FORMULA) else key
