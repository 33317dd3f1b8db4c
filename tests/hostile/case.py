"""One hostile file, and what may become of it."""

from collections.abc import Callable
from dataclasses import dataclass

ANSWER = "answered"  # what becomes of a file that is scored; of all others, it is the code of the refusal

ANSWERED = frozenset({ANSWER})
UNKNOWN = frozenset({"unsupported_media_type"})
UNREADABLE = frozenset({"unreadable_image"})
TOO_LARGE = frozenset({"payload_too_large"})
EMPTY = frozenset({"invalid_request"})
REFUSED = UNKNOWN | UNREADABLE | TOO_LARGE
ANY = ANSWERED | REFUSED


@dataclass(frozen=True)
class Case:
    """A file by its name.

    Attributes
    ----------
    family : str
        Which idea it is of.
    name : str
        Unlike all others of its family.
    make : callable
        Makes its bytes, the same each time; not before they are needed, since some are large.
    expected : frozenset of str
        What may become of it: `ANSWER` or codes of refusals.
    """

    family: str
    name: str
    make: Callable[[], bytes]
    expected: frozenset[str]


def case(family: str, name: str, data: bytes, expected: frozenset[str]) -> Case:
    """Make a case of a small file that is already there."""
    return Case(family, name, lambda: data, expected)
