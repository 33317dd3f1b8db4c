"""The order in which letters are seen: those of Hebrew and Arabic go from right to left, numbers among them do not.

The Unicode bidirectional algorithm (UAX #9) for a line that goes from left to right, without what a name cannot have:
its marks that embed or override are told by their numbers. The names of the rules are those of the standard.
"""

import unicodedata
from collections.abc import Iterator, Sequence

LEFT, RIGHT, NUMBER = 0, 1, 2  # levels, as in the standard: an odd one goes from right to left
_STRONG = {"L": LEFT, "R": RIGHT, "AL": RIGHT, "EN": RIGHT, "AN": RIGHT}  # numbers count as right for their neighbours
_PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">", "«": "»", "‹": "›"}
_MIRRORED = _PAIRS | {closing: opening for opening, closing in _PAIRS.items()}
_BRACKETS = "()[]{}"  # the pairs of which the standard keeps both sides together


def in_order_seen(parts: Sequence[str], kinds: Sequence[str]) -> list[str]:
    """Return parts of a line in the order in which they stand from left to right.

    Parameters
    ----------
    parts : sequence of str
        Letters in the order in which they are read, each with its accents.
    kinds : sequence of str
        The bidirectional class of each, such as ``AL``, as the Unicode database names it.
    """
    levels = _levels(parts, _weak(list(kinds)))
    # Accents come before their letter there: fonts draw them over what is set next.
    seen = [
        _MIRRORED.get(part, part[::-1]) if level == RIGHT else part for part, level in zip(parts, levels, strict=True)
    ]
    for level in (NUMBER, RIGHT):  # L2
        for start, stop in _runs([other >= level for other in levels]):
            seen[start:stop] = reversed(seen[start:stop])
            levels[start:stop] = reversed(levels[start:stop])
    return seen


def kind(part: str) -> str:
    """Return the bidirectional class of a letter with its accents."""
    return unicodedata.bidirectional(part[0])


def _weak(kinds: list[str]) -> list[str]:
    """Settle what numbers and the signs among them are."""
    for place in _numbers_after("AL", kinds):
        kinds[place] = "AN"  # W2
    for place in range(1, len(kinds) - 1):
        before, each, after = kinds[place - 1 : place + 2]
        if before == after and ((each == "CS" and after in ("EN", "AN")) or (each == "ES" and after == "EN")):
            kinds[place] = after  # W4
    for start, stop in _runs([each == "ET" for each in kinds]):
        if "EN" in (*kinds[start - 1 : start], *kinds[stop : stop + 1]):
            kinds[start:stop] = ["EN"] * (stop - start)  # W5
    for place in _numbers_after("L", kinds):
        kinds[place] = "L"  # W7
    return kinds


def _numbers_after(wanted: str, kinds: Sequence[str]) -> list[int]:
    """Return the places of European digits before which the last letter is of one class; the line begins as L."""
    found, letter = [], "L"
    for place, each in enumerate(kinds):
        if each in ("L", "R", "AL"):
            letter = each
        elif each == "EN" and letter == wanted:
            found.append(place)
    return found


def _levels(parts: Sequence[str], kinds: list[str]) -> list[int]:
    for opening, closing in sorted(_bracket_pairs(parts, kinds)):  # N0
        inside = {_STRONG[each] for each in kinds[opening + 1 : closing] if each in _STRONG}
        if inside:
            before = next((_STRONG[each] for each in reversed(kinds[:opening]) if each in _STRONG), LEFT)
            right = LEFT not in inside and before == RIGHT
            kinds[opening] = kinds[closing] = "R" if right else "L"
    for start, stop in _runs([each not in _STRONG for each in kinds]):  # N1, N2
        before = _STRONG[kinds[start - 1]] if start else LEFT
        after = _STRONG[kinds[stop]] if stop < len(kinds) else LEFT
        kinds[start:stop] = ["R" if before == after == RIGHT else "L"] * (stop - start)
    return [NUMBER if each in ("EN", "AN") else _STRONG[each] for each in kinds]  # I1


def _bracket_pairs(parts: Sequence[str], kinds: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Find brackets that belong together (BD16)."""
    open_ones: list[int] = []
    for place, part in enumerate(parts):
        if kinds[place] in _STRONG or part not in _BRACKETS:
            continue
        if part in _PAIRS:
            open_ones.append(place)
            continue
        match = next((depth for depth, opening in enumerate(open_ones[::-1]) if _PAIRS[parts[opening]] == part), None)
        if match is not None:
            yield open_ones[-1 - match], place
            del open_ones[-1 - match :]


def _runs(chosen: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Return where runs of chosen places start and stop."""
    start = None
    for place, each in enumerate((*chosen, False)):
        if each and start is None:
            start = place
        elif not each and start is not None:
            yield start, place
            start = None
