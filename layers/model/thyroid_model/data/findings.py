"""Problems that the readers find in the datasets, and the rule that decides when training stops.

The rule, in one place:

Training continues, and the finding is reported, where a finding only removes an image or its outline: an image, mask or
report that is missing or unreadable, a duplicate, a file that does not belong to the dataset, an image without a label
or with a label that the dataset does not define, an image without an outline. The last one is still used, but not for
the outline.

Training stops, by a `DataError` that names the files where there are some, in these cases:

- the dataset's folder, or a folder or table of its published layout, is missing (the reader raises);
- more than 5 % of the dataset's listed images are missing or unreadable, or their reports or masks are: that is a
  damaged download, not a few bad files (`Findings.require_intact`);
- a class of DDTI has fewer cases left than there are folds (`Findings.require_cases`), or no image of a dataset has a
  label;
- the breast sets together, or the frames of a training, are fewer than a batch or of one class
  (`thyroid_model.training.fit`), or hardly a frame has an outline (`thyroid_model.training.train`).

An image that the dataset itself publishes without a label, or with a broken outline, never counts as damaged.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

MAX_DAMAGED_SHARE = 0.05
MAX_NAMES = 10


class DataError(ValueError):
    """The training data cannot be used; the message says why and names the files."""


class Kind(StrEnum):
    """Kind of a finding; the value is its key in the training record."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    EXTRA = "extra"
    DUPLICATE = "duplicate"
    NO_LABEL = "no_label"
    UNKNOWN_LABEL = "unknown_label"
    NO_OUTLINE = "no_outline"


DESCRIPTION = {
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
    dataset : str
        Name of the dataset.
    kind : Kind
        Kind of the problem.
    name : str
        The file, relative to the dataset's folder: ``images/1_1.jpg``.
    sentence : str
        What is wrong, and whether the file is used.
    """

    dataset: str
    kind: Kind
    name: str
    sentence: str


@dataclass(frozen=True)
class Counts:
    """Numbers of images of one dataset.

    Attributes
    ----------
    listed : int
        Images that the dataset should have, by its table, reports and file names.
    found : int
        Images that exist and can be decoded.
    used : int
        Images with a label, which training uses.
    with_outline : int
        Used images that also have an outline.
    """

    listed: int
    found: int
    used: int
    with_outline: int


@dataclass
class Findings:
    """All findings of the readers, for one or several datasets.

    Attributes
    ----------
    findings : list of Finding
        In the order in which they were reported.
    counts : dict of str to Counts
        By dataset.
    """

    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, Counts] = field(default_factory=dict)

    def add(self, dataset: str, kind: Kind, name: str, sentence: str) -> None:
        """Report a problem; the parameters are those of `Finding`.

        Bytes of a file name that are not valid text are escaped, since not every terminal can print them.
        """
        name, sentence = (text.encode(errors="backslashreplace").decode() for text in (name, sentence))
        self.findings.append(Finding(dataset, kind, name, sentence))

    def names(self, dataset: str, kind: Kind) -> list[str]:
        """Return the files of one dataset with this kind of problem, in the order in which they were reported."""
        return [finding.name for finding in self.findings if (finding.dataset, finding.kind) == (dataset, kind)]

    def require_intact(self, dataset: str, listed: int, damaged: int) -> None:
        """Stop if the download is damaged.

        Parameters
        ----------
        dataset : str
            Name of the dataset.
        listed, damaged : int
            Number of its images, and how many of them are missing or unreadable, themselves or in their reports or
            masks.

        Raises
        ------
        DataError
            If the share of damaged images is over `MAX_DAMAGED_SHARE`; the message names every missing and unreadable
            file.
        """
        if damaged <= MAX_DAMAGED_SHARE * listed:
            return
        files = "; ".join(
            f"{kind}: {', '.join(names)}"
            for kind in (Kind.MISSING, Kind.UNREADABLE)
            if (names := self.names(dataset, kind))
        )
        raise DataError(
            f"{dataset}: {damaged} of {listed} images, or their reports or masks, are missing or unreadable, more than "
            f"{MAX_DAMAGED_SHARE:.0%}. The download looks damaged; fetch the set again. {files}"
        )

    def require_cases(self, dataset: str, examples: Iterable[tuple[int | str, int]], folds: int) -> None:
        """Stop if a class has too few cases to be split into folds.

        Parameters
        ----------
        dataset : str
            Name of the dataset.
        examples : iterable of tuple
            Case and label, 0 or 1, of each used image. A case is positive if any of its images is, as in
            `thyroid_model.data.split`.
        folds : int
            Number of cases that each class needs.

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
                left_out = "; ".join(f"{f.name}: {f.sentence}" for f in self.findings if f.dataset == dataset)
                raise DataError(
                    f"{dataset}: {sizes[label]} cases of class {label} remain, fewer than the {folds} folds. "
                    f"{left_out or 'Nothing was left out.'}"
                )

    def lines(self) -> list[str]:
        """Return the report: for each dataset a line of counts, then a line for each kind with its first names."""
        lines = []
        for dataset, counts in self.counts.items():
            lines.append(
                f"{dataset}: {counts.listed} images listed, {counts.found} found, {counts.used} used, "
                f"{counts.with_outline} of them with an outline"
            )
            for kind in Kind:
                if names := self.names(dataset, kind):
                    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
                    lines.append(f"  {len(names)} {DESCRIPTION[kind]}: {', '.join(names[:MAX_NAMES])}{more}")
        return lines

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def as_dict(self) -> dict[str, dict[str, int]]:
        """Return the counts for the training record, by dataset: those of `Counts`, then one for each kind, even 0."""
        return {
            dataset: {
                "listed": counts.listed,
                "found": counts.found,
                "used": counts.used,
                "with_outline": counts.with_outline,
                **{kind.value: len(self.names(dataset, kind)) for kind in Kind},
            }
            for dataset, counts in self.counts.items()
        }
