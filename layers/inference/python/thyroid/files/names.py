"""File names of any kind, in text that has to be sound and in tables that are opened in a spreadsheet."""

import re

# What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection), the full-width forms among it.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def readable(name: str) -> str:
    r"""Write the bytes of a name that are no text as ``\xff``.

    Python has them as lone surrogates, which UTF-8 cannot hold. All other names stay as they are.
    """
    return re.sub("[\ud800-\udfff]", lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", name)


def in_spreadsheet(key: str) -> str:
    """Write the path of a file below a folder so that no spreadsheet computes it.

    ``=1+1.png`` becomes ``./=1+1.png``: another spelling of the same path, so that programs still find the file. The
    usual apostrophe would make it the path of another one.
    """
    return f"./{key}" if key.startswith(FORMULA) else key
