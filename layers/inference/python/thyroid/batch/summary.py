"""What a batch run has done so far."""

from collections import Counter
from dataclasses import dataclass, field

from thyroid.batch.ledger import Line


@dataclass
class RunSummary:
    """What became of the images of a run.

    Attributes
    ----------
    other_version : int
        How many results of another version the run found; it makes them again.
    processed, unchanged : collections.Counter of str
        How many images this run analysed and refused, and how many an earlier run did whose results are kept; by
        status.
    risks : collections.Counter of str
        How many of both are in each risk band.
    failures : dict of str to str
        The system's reason for each image that could not be processed.
    stopped : str or None
        Why the run ended early.
    interrupted : bool
        Whether Ctrl-C ended it.
    """

    other_version: int = 0
    processed: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    risks: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    stopped: str | None = None
    interrupted: bool = False

    @property
    def refused(self) -> int:
        """How many images have no score because of what they are, whichever run refused them."""
        return self.processed["refused"] + self.unchanged["refused"]

    def count(self, line: Line, *, is_new: bool) -> None:
        """Count an image by its line in the ledger."""
        (self.processed if is_new else self.unchanged)[line.status] += 1
        if line.risk is not None:
            self.risks[line.risk] += 1
