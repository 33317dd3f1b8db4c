"""The audit record: which model gave which image which score, and when. Nothing in it names or shows a patient."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from thyroid.core.analysis import Analysis
from thyroid.core.input_check import Reason
from thyroid.core.manifest import ModelReference


class AuditRecord(BaseModel):
    """A projection of one analysis that was returned or written.

    The fields are a contract with those who search the logs: a later version may add some; what a field means never
    changes without a new `schema_version`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    schema_version: Literal[1] = 1
    time: str = Field(description="UTC, ISO 8601, milliseconds.", examples=["2026-02-13T10:30:45.123Z"])
    input_sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the image file's bytes, as they were sent.")
    model: ModelReference
    code_version: str = Field(description="Version of this package and, where it is known, the commit.")
    score: float = Field(ge=0.0, le=1.0, description="Malignancy score.")
    label: str = Field(description="The class.")
    risk: str = Field(description="The risk band.")
    input_reasons: tuple[Reason, ...] = Field(
        default=(), description="Why the image does not look like ultrasound; empty where it does."
    )
    duration_ms: float = Field(ge=0.0, description="From the image's bytes to its score.")

    @classmethod
    def of(cls, analysis: Analysis) -> Self:
        """Return the record of an analysis."""
        return cls(
            time=analysis.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            input_sha256=analysis.image.sha256,
            model=analysis.model,
            code_version=analysis.code_version,
            score=analysis.assessment.score,
            label=analysis.assessment.label,
            risk=analysis.assessment.risk,
            input_reasons=analysis.input_check.reasons,
            duration_ms=analysis.duration_ms,
        )
