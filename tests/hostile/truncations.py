"""Files that end too early: at every boundary that a format's structure has, and a byte before it."""

from collections.abc import Iterator

from tests.hostile.boundaries import boundaries
from tests.hostile.case import ANSWERED, EMPTY, REFUSED, Case, case
from tests.hostile.samples import all_samples

FAMILY = "truncated"


def cases() -> Iterator[Case]:
    """Yield all of them. What is still answered had all of its pixels before the cut."""
    for kind, samples in all_samples().items():
        for sample, data in samples.items():
            for part, at in boundaries(kind, data):
                for short in (0, 1):
                    if 0 < at - short < len(data):
                        name = f"{kind} {sample}, cut {'a byte ' * short}before {part}"
                        yield case(FAMILY, name, data[: at - short], REFUSED | ANSWERED)
    yield case("empty", "nothing at all", b"", EMPTY)
