"""An analysis as files beside each other, for images that came in a bucket or a folder.

An image gets ``result.json``, ``heatmap.png`` and ``overlay.png``, or, where it cannot be read, ``error.json`` with the
code that the API would return. Nothing here knows where the files go.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from thyroid.core.analysis import Analysis
from thyroid.core.audit import AuditRecord
from thyroid.errors import ThyroidError
from thyroid.web import responses
from thyroid.web.schemas import Explained, PredictionResponse, Timestamp, now

RESULT, ERROR, HEATMAP, OVERLAY = "result.json", "error.json", "heatmap.png", "overlay.png"

# The decision comes last: where it exists, the files that it names exist as well.
NAMES = (HEATMAP, OVERLAY, RESULT, ERROR)
MEDIA_TYPES = {HEATMAP: "image/png", OVERLAY: "image/png", RESULT: "application/json", ERROR: "application/json"}


# Of `result.json` and `error.json`, and of the lines of a batch run. It grows when a field changes or goes, not when a
# field comes. A batch run makes the results of another version again.
SCHEMA_VERSION: Final = 1


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, protected_namespaces=())


class Source(_Record):
    """The image file that was processed."""

    bucket: str | None = Field(default=None, description="Where it came from; null for a folder.")
    key: str = Field(description="Its name there.")
    version_id: str | None = None
    etag: str | None = Field(default=None, description="As S3 returns it, without quotes.")
    bytes: int | None = None
    sha256: str | None = None


class Timings(_Record):
    """Where the time went, in milliseconds."""

    read_ms: float = Field(ge=0.0, description="To get the file.")
    analyse_ms: float = Field(ge=0.0, description="From its bytes to score and images.")


class ImageFiles(_Record):
    """Names of the images beside the result."""

    heatmap: str = HEATMAP
    overlay: str = OVERLAY


class Explanation(Explained[ImageFiles]):
    """An explanation by Grad-CAM, whose images are files of their own."""

    images: ImageFiles = ImageFiles()


class Result(PredictionResponse):
    """``result.json``: the response of `/api/v1/analyze` without the images, and what it was made of."""

    gradcam: Explanation
    schema_version: Literal[1] = SCHEMA_VERSION
    input: Source
    timings: Timings
    code_version: str


class ErrorFile(_Record):
    """``error.json``: why an image got no result. Sending the same file again would get the same."""

    success: Literal[False] = False
    timestamp: Timestamp
    code: str = Field(description="As in the API's problems.", examples=["unreadable_image"])
    detail: str
    schema_version: Literal[1] = SCHEMA_VERSION
    input: Source


class Outcome(_Record):
    """What became of an image, in one line. Nothing in it names or shows a patient."""

    status: Literal["analysed", "refused", "superseded"] = Field(
        description="`superseded`: a newer version of the file exists, and its result is what counts."
    )
    code: str | None = Field(default=None, description="Why it was refused.")
    score: float | None = None
    label: str | None = None
    risk: str | None = None
    model_sha256: str | None = None
    input_reasons: str | None = Field(
        default=None, description="Why it does not look like ultrasound, separated by spaces; null where it does."
    )


@dataclass(frozen=True)
class ProcessedImage:
    """What became of an image, and the files that say so.

    Attributes
    ----------
    outcome : Outcome
        In one line.
    files : dict of str to bytes
        Names as in :data:`NAMES`, in that order.
    record : AuditRecord or None
        Of the analysis, where there is one; whoever writes the files logs it first.
    """

    outcome: Outcome
    files: dict[str, bytes]
    record: AuditRecord | None = None


def analysed(analysis: Analysis, source: Source, timings: Timings) -> ProcessedImage:
    """Turn an analysis with its explanation into files.

    The images say in a comment which state of which input they are of, where the input has one.

    Raises
    ------
    ValueError
        If the analysis holds no explanation.
    """
    shown = analysis.explanation
    if shown is None:
        raise ValueError("a result needs an analysis with an explanation")
    maps = {HEATMAP: _commented(shown.images.heatmap, source), OVERLAY: _commented(shown.images.overlay, source)}
    name = source.key.rpartition("/")[2]
    result = Result(
        **dict(responses.prediction(analysis, name)),
        gradcam=Explanation(**responses.with_images(shown, ImageFiles())),
        input=source,
        timings=timings,
        code_version=analysis.code_version,
    )
    outcome = Outcome(
        status="analysed",
        score=analysis.assessment.score,
        label=analysis.assessment.label,
        risk=analysis.assessment.risk,
        model_sha256=analysis.model.sha256,
        input_reasons=" ".join(analysis.input_check.reasons) or None,
    )
    return ProcessedImage(outcome, maps | {RESULT: _json(result)}, AuditRecord.of(analysis))


def without_result(error: ThyroidError, source: Source, model_sha256: str | None = None) -> ProcessedImage:
    """Turn an error into the file that names it.

    Parameters
    ----------
    error : ThyroidError
        What is wrong with the image.
    source : Source
        The image file.
    model_sha256 : str, optional
        Of the model that would have scored it.
    """
    record = ErrorFile(timestamp=now(), code=error.code, detail=error.detail, input=source)
    outcome = Outcome(status="refused", code=error.code, model_sha256=model_sha256)
    return ProcessedImage(outcome, {ERROR: _json(record)})


def _commented(png: bytes, source: Source) -> bytes:
    """Put the version and ETag of the input into a PNG file, as its first chunk after the header."""
    if source.etag is None:
        return png
    data = f"Comment\0version {source.version_id}, ETag {source.etag}".encode("latin-1", "replace")
    chunk = b"tEXt" + data
    header = 8 + 25  # the signature, and IHDR with its length and checksum (PNG specification, 5.2 and 11.2.2)
    return png[:header] + struct.pack(">I", len(data)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[header:]


def _json(record: BaseModel) -> bytes:
    return record.model_dump_json(by_alias=True, indent=2).encode() + b"\n"
