"""The beginning of one format with the rest of another."""

from collections.abc import Iterator

from tests.hostile.case import ANY, Case, case
from tests.hostile.samples import all_samples

FAMILY = "spliced"
CUTS = (4, 14, 33, 0.5)  # bytes, or a share of the file


def cases() -> Iterator[Case]:
    """Yield each format's beginning before each other's end."""
    firsts = {kind: next(iter(samples.values())) for kind, samples in all_samples().items()}
    for one, head in firsts.items():
        for other, tail in firsts.items():
            for cut in CUTS if one != other else ():
                at, start = (int(len(data) * cut) if cut < 1 else int(cut) for data in (head, tail))
                yield case(
                    FAMILY,
                    f"{at} bytes of {one}, then {other} without its first {start}",
                    head[:at] + tail[start:],
                    ANY,
                )
                yield case(FAMILY, f"{at} bytes of {one}, then all of {other}", head[:at] + tail, ANY)
