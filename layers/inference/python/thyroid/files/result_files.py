"""The result of a picture as files beside each other, for pictures that came in a bucket or a folder.

A picture gets ``result.json``, ``heatmap.png`` and ``overlay.png``, or, where it cannot be read, ``error.json`` with
the code that the API would answer. Nothing here knows where the files go.
"""

import base64
import struct
import zlib
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from thyroid.core.explain import Target
from thyroid.errors import ThyroidError
from thyroid.web.schemas import AnalyzeResponse, PredictionResponse, Timestamp, now

RESULT, ERROR, HEATMAP, OVERLAY = "result.json", "error.json", "heatmap.png", "overlay.png"

# The decision comes last: where it lies, what it speaks of lies as well.
NAMES = (HEATMAP, OVERLAY, RESULT, ERROR)
MEDIA_TYPES = {HEATMAP: "image/png", OVERLAY: "image/png", RESULT: "application/json", ERROR: "application/json"}


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, protected_namespaces=())


class Source(_Record):
    """The picture file that was judged."""

    bucket: str | None = Field(default=None, description="Where it lay; null for a folder.")
    key: str = Field(description="Its name there.")
    version_id: str | None = None
    etag: str | None = Field(default=None, description="As S3 gives it, without quotes.")
    bytes: int | None = None
    sha256: str | None = None


class Timings(_Record):
    """Where the time went, in milliseconds."""

    read_ms: float = Field(ge=0.0, description="To get the file.")
    analyse_ms: float = Field(ge=0.0, description="From its bytes to score and pictures.")


class PictureFiles(_Record):
    """Names of the pictures that lie beside the result."""

    heatmap: str = HEATMAP
    overlay: str = OVERLAY


class Explanation(_Record):
    """An explanation by Grad-CAM, whose pictures are files of their own."""

    layer_used: str
    images: PictureFiles = PictureFiles()
    target: Target
    has_evidence: bool


class Result(PredictionResponse):
    """``result.json``: the answer of `/api/v1/analyze` without the pictures, and what it was made of."""

    gradcam: Explanation
    schema_version: Literal[1] = 1
    input: Source
    timings: Timings
    code_version: str


class Refusal(_Record):
    """``error.json``: why a picture got no result. Sending the same file again would get the same."""

    success: Literal[False] = False
    timestamp: Timestamp
    code: str = Field(description="As in the API's problems.", examples=["unreadable_image"])
    detail: str
    schema_version: Literal[1] = 1
    input: Source


class Outcome(_Record):
    """What became of a picture, in one line. Nothing in it names or shows a patient."""

    status: Literal["analysed", "refused", "superseded"] = Field(
        description="`superseded`: a newer version of the file is there, and its result is what counts."
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
class Judgement:
    """What became of a picture, and the files that say so.

    Attributes
    ----------
    outcome : Outcome
        In one line.
    files : dict of str to bytes
        Names as in :data:`NAMES`, in that order.
    """

    outcome: Outcome
    files: dict[str, bytes]


def analysed(answer: AnalyzeResponse, source: Source, timings: Timings, code_version: str) -> Judgement:
    """Turn an answer with its explanation into files.

    The pictures say in a comment which state of which input they are of, where the input has one.

    Raises
    ------
    ValueError
        If the answer holds no explanation.
    """
    if answer.gradcam is None:
        raise ValueError("a result needs the answer's explanation")
    fields = dict(answer)
    gradcam = fields.pop("gradcam")
    explanation = Explanation(layer_used=gradcam.layer_used, target=gradcam.target, has_evidence=gradcam.has_evidence)
    result = Result(**fields, gradcam=explanation, input=source, timings=timings, code_version=code_version)
    outcome = Outcome(
        status="analysed",
        score=answer.prediction.confidence_score,
        label=answer.prediction.label,
        risk=answer.risk_assessment,
        model_sha256=answer.model.sha256,
        input_reasons=" ".join(answer.input_check.reasons) or None,
    )
    files = {
        HEATMAP: _commented(base64.b64decode(gradcam.images.heatmap), source),
        OVERLAY: _commented(base64.b64decode(gradcam.images.overlay), source),
        RESULT: _json(result),
    }
    return Judgement(outcome, files)


def refused(error: ThyroidError, source: Source, model_sha256: str | None = None) -> Judgement:
    """Turn what is wrong with a picture into its file; the model, where it is known, is the one that was not asked."""
    refusal = Refusal(timestamp=now(), code=error.code, detail=error.detail, input=source)
    outcome = Outcome(status="refused", code=error.code, model_sha256=model_sha256)
    return Judgement(outcome, {ERROR: _json(refusal)})


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
