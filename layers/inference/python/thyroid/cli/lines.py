"""The result of an image as one line, for people or for programs."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from thyroid.cli.text import pad, printable, width
from thyroid.core.manifest import Manifest

MAX_NAME_COLUMNS = 60  # a longer name moves what follows it to the right

Fields = dict[str, Any]


def as_dict(response: BaseModel) -> Fields:
    """Return a response with the names and values that it has in JSON."""
    return response.model_dump(mode="json", by_alias=True)


def json_line(fields: Fields) -> str:
    r"""Return a response as one line of JSON.

    It is ASCII, so any terminal and any pipe can take it. Bytes of a name that are not text are written as Python has
    them (``\udcff``).
    """
    return json.dumps(fields)


class Lines:
    """Makes lines whose columns are aligned.

    Parameters
    ----------
    files : sequence of str
        All that lines will be about, as on the command line.
    manifest : Manifest
        Of the model, whose labels and risk bands the lines hold.
    """

    def __init__(self, files: Sequence[str], manifest: Manifest) -> None:
        self._file = min(MAX_NAME_COLUMNS, max(width(printable(name)) for name in files))
        self._label = max(width(label) for label in manifest.classes.values())
        self._risk = max(width(band.label) for band in manifest.risk_bands)

    def line(self, name: str, result: Fields) -> str:
        """Return file, label, probability of malignancy, risk band, and a mark where the input check flags the image.

        The probability is that of malignancy whatever the label, so that the numbers of a column can be compared.

        Parameters
        ----------
        name : str
            As on the command line.
        result : dict
            Of a prediction or an analysis.
        """
        columns = [
            pad(printable(name), self._file),
            pad(result["prediction"]["label"], self._label),
            f"{100 * result['prediction']['confidence_score']:6.2f} % malignant",
            pad(result["risk_assessment"], self._risk) + mark(result),
        ]
        return "  ".join(columns).rstrip()


def mark(result: Fields) -> str:
    """Return the end of a line where the input check flags the image, else nothing."""
    reasons = " ".join(result["input_check"]["reasons"])
    return f"  ! {reasons}" if reasons else ""


def advice(result: Fields) -> str:
    """Return the advice of the risk band and, where the input check flags the image, what is wrong with it."""
    flagged = "" if result["input_check"]["looks_like_ultrasound"] else f"\n{result['input_check']['detail']}"
    return f"{result['recommendation']}{flagged}"


def evidence(explanation: Fields) -> str:
    """Say what a map shows, or that it shows nothing."""
    target, layer = explanation["target"], explanation["layer_used"]
    if explanation["has_evidence"]:
        return f"evidence for {target} at {layer}"
    return f"blank: nothing at {layer} speaks for {target}"
