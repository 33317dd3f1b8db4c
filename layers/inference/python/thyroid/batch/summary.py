"""How far a run over a folder is."""

from collections import Counter
from dataclasses import dataclass, field

from thyroid.batch.ledger import Line


@dataclass
class Tally:
    """What became of the pictures of a run.

    Attributes
    ----------
    judged, unchanged : collections.Counter of str
        How many this run analysed and refused, and how many an earlier one, which stay as they are; by status.
    risks : collections.Counter of str
        How many of both are in each risk band.
    failures : dict of str to str
        The system's reason for each picture that could not be done.
    stopped : str or None
        Why the run ended before its time.
    interrupted : bool
        Whether it was ended by Ctrl-C.
    """

    judged: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    risks: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    stopped: str | None = None
    interrupted: bool = False

    @property
    def refused(self) -> int:
        """How many pictures have no score because of what they are, whichever run refused them."""
        return self.judged["refused"] + self.unchanged["refused"]

    def count(self, line: Line, *, is_new: bool) -> None:
        """Count a picture that has a line."""
        (self.judged if is_new else self.unchanged)[line.status] += 1
        if line.risk is not None:
            self.risks[line.risk] += 1
