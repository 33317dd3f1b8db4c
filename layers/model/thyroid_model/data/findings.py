"""What the readers of training data found wrong in it, and the rule that says when training stops.

The rule, in one place:

Training goes on, and the finding is reported, where a finding only takes a picture or its outline away: a picture,
mask or report that is missing or unreadable, a duplicate, a file that does not belong to the set, a picture without a
label or with one that the set does not define, a picture without an outline. The last one is still used, but not for
the outline.

Training stops, by a `DataError` that names the files where there are some, in these cases:

- the set's folder, or a folder or table of its published layout, is missing (the reader raises);
- more than 5 % of the set's listed pictures cannot be had as published, since the picture, or its report or mask, is
  missing or unreadable: that is a damaged download, not a few bad files (`Findings.require_intact`);
- of DDTI a class has fewer cases left than there are folds (`Findings.require_cases`), or of any set no picture has a
  label;
- the breast sets together, or the frames that a training gets, are fewer than a batch or of one class
  (`thyroid_model.training.fit`), or hardly a frame has an outline (`thyroid_model.training.train`).

A picture to which the set itself gives no label, or whose outline it left broken, is the set's nature: it never counts
as damage.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

MOST_DAMAGED = 0.05
MOST_NAMES = 10


class DataError(ValueError):
    """The training data cannot be used; the message says why and names the files."""


class Kind(StrEnum):
    """What a finding is about; the value is its name in the training record."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    EXTRA = "extra"
    DUPLICATE = "duplicate"
    NO_LABEL = "no_label"
    UNKNOWN_LABEL = "unknown_label"
    NO_OUTLINE = "no_outline"


MEANING = {
    Kind.MISSING: "missing",
    Kind.UNREADABLE: "unreadable",
    Kind.EXTRA: "not of the set, ignored",
    Kind.DUPLICATE: "duplicate, left out",
    Kind.NO_LABEL: "without a label, left out",
    Kind.UNKNOWN_LABEL: "of an unknown label, left out",
    Kind.NO_OUTLINE: "without a usable outline",
}


@dataclass(frozen=True)
class Finding:
    """One problem of one file.

    Attributes
    ----------
    of : str
        The set, as its reader calls it.
    kind : Kind
        What it is about.
    name : str
        The file, from the set's folder on: ``images/1_1.jpg``.
    sentence : str
        What is wrong and what comes of it, in plain words.
    """

    of: str
    kind: Kind
    name: str
    sentence: str


@dataclass(frozen=True)
class Counts:
    """Pictures of one set.

    Attributes
    ----------
    listed : int
        Those that the set should have, by its table, reports and file names.
    found : int
        Those that were there and could be decoded.
    used : int
        Those with a label that training gets.
    with_outline : int
        Those of the used that have an outline too.
    """

    listed: int
    found: int
    used: int
    with_outline: int


@dataclass
class Findings:
    """All that the readers reported, of one set or of several.

    Attributes
    ----------
    findings : list of Finding
        In the order of the report.
    counts : dict of str to Counts
        By set.
    """

    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, Counts] = field(default_factory=dict)

    def add(self, of: str, kind: Kind, name: str, sentence: str) -> None:
        """Report a problem; the arguments are those of `Finding`.

        Bytes of a file's name that are no text are written as such, since not every terminal takes them.
        """
        name, sentence = (text.encode(errors="backslashreplace").decode() for text in (name, sentence))
        self.findings.append(Finding(of, kind, name, sentence))

    def names(self, of: str, kind: Kind) -> list[str]:
        """Return the files of one set with this kind of problem, in the order of the report."""
        return [finding.name for finding in self.findings if (finding.of, finding.kind) == (of, kind)]

    def require_intact(self, of: str, listed: int, damaged: int) -> None:
        """Stop at a damaged download.

        Parameters
        ----------
        of : str
            The set.
        listed, damaged : int
            Its pictures, and how many of them cannot be had as published.

        Raises
        ------
        DataError
            If more than `MOST_DAMAGED` of them are; the message names every missing and unreadable file.
        """
        if damaged <= MOST_DAMAGED * listed:
            return
        files = "; ".join(
            f"{kind}: {', '.join(names)}" for kind in (Kind.MISSING, Kind.UNREADABLE) if (names := self.names(of, kind))
        )
        raise DataError(
            f"{of}: {damaged} of {listed} pictures, or their reports or masks, are missing or unreadable, more than "
            f"{MOST_DAMAGED:.0%}. The download looks damaged; fetch the set again. {files}"
        )

    def require_cases(self, of: str, examples: Iterable[tuple[int | str, int]], folds: int) -> None:
        """Stop if a class is too small to be split.

        Parameters
        ----------
        of : str
            The set.
        examples : iterable of tuple
            Case and label, 0 or 1, of each picture in use. A case counts as 1 if any of its pictures is, as in
            `thyroid_model.data.split`.
        folds : int
            How many cases each class needs.

        Raises
        ------
        DataError
            If either class has fewer; the message says how many there are and, by name, what was left out.
        """
        label_of: dict[int | str, int] = {}
        for case, label in examples:
            label_of[case] = max(label, label_of.get(case, 0))
        sizes = Counter(label_of.values())
        for label in (0, 1):
            if sizes[label] < folds:
                left_out = "; ".join(f"{f.name}: {f.sentence}" for f in self.findings if f.of == of)
                raise DataError(
                    f"{of}: {sizes[label]} cases of class {label} remain, fewer than the {folds} folds. "
                    f"{left_out or 'Nothing was left out.'}"
                )

    def lines(self) -> list[str]:
        """Return the report: for each set a line of counts, then one for each kind with its first names."""
        lines = []
        for of, counts in self.counts.items():
            lines.append(
                f"{of}: {counts.listed} pictures listed, {counts.found} found, {counts.used} used, "
                f"{counts.with_outline} of them with an outline"
            )
            for kind in Kind:
                if names := self.names(of, kind):
                    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
                    lines.append(f"  {len(names)} {MEANING[kind]}: {', '.join(names[:MOST_NAMES])}{more}")
        return lines

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def as_dict(self) -> dict[str, dict[str, int]]:
        """Return the counts for the training record, by set: those of `Counts`, then one for each kind, 0 too."""
        return {
            of: {
                "listed": counts.listed,
                "found": counts.found,
                "used": counts.used,
                "with_outline": counts.with_outline,
                **{kind.value: len(self.names(of, kind)) for kind in Kind},
            }
            for of, counts in self.counts.items()
        }
