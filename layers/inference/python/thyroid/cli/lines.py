"""What is told of a picture, in a line for people or in one for programs."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from thyroid.cli.text import padded, shown, width
from thyroid.core.manifest import Manifest

WIDEST = 60  # columns that are kept for names; a longer one moves what follows it to the right

Told = dict[str, Any]


def told(answer: BaseModel) -> Told:
    """Return an answer as the API writes it in JSON."""
    return answer.model_dump(mode="json", by_alias=True)


def in_json(answer: Told) -> str:
    r"""Return an answer as one line of JSON.

    It is ASCII, so that any terminal and any pipe takes it. Bytes of a name that are no text are told as Python has
    them (``\udcff``).
    """
    return json.dumps(answer)


class Lines:
    """Lines whose columns stand below each other.

    Parameters
    ----------
    files : sequence of str
        All that will be told of, as on the command line.
    manifest : Manifest
        Of the model, whose labels and risk bands come.
    """

    def __init__(self, files: Sequence[str], manifest: Manifest) -> None:
        self._file = min(WIDEST, max(width(shown(name)) for name in files))
        self._label = max(width(label) for label in manifest.classes.values())
        self._risk = max(width(band.label) for band in manifest.risk_bands)

    def line(self, name: str, answer: Told) -> str:
        """Return file, label, probability of malignancy, risk band, and a mark where the input check flags it.

        It is the probability of malignancy whatever the label, so that the numbers of a column are of one kind.

        Parameters
        ----------
        name : str
            As on the command line.
        answer : dict
            To a prediction or an analysis.
        """
        columns = [
            padded(shown(name), self._file),
            padded(answer["prediction"]["label"], self._label),
            f"{100 * answer['prediction']['confidence_score']:6.2f} % malignant",
            padded(answer["risk_assessment"], self._risk) + mark(answer),
        ]
        return "  ".join(columns).rstrip()


def mark(answer: Told) -> str:
    """Return what stands behind a line where the input check flags the picture."""
    reasons = " ".join(answer["input_check"]["reasons"])
    return f"  ! {reasons}" if reasons else ""


def advice(answer: Told) -> str:
    """Return what the risk band advises and, where the input check flags the picture, what is wrong with it."""
    flagged = "" if answer["input_check"]["looks_like_ultrasound"] else f"\n{answer['input_check']['detail']}"
    return f"{answer['recommendation']}{flagged}"


def evidence(explanation: Told) -> str:
    """Say what a map shows, and where it shows nothing."""
    target, layer = explanation["target"], explanation["layer_used"]
    if explanation["has_evidence"]:
        return f"evidence for {target} at {layer}"
    return f"blank: nothing at {layer} speaks for {target}"
