"""The audit record: which model gave which picture which score, and when. Nothing in it names or shows a patient."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from thyroid.core.input_check import Reason
from thyroid.web.schemas import ModelReference


class AuditRecord(BaseModel):
    """One prediction that was answered.

    The fields are a contract with those who search the logs: a later version may add some; what a field means never
    changes without a new `schema_version`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    schema_version: Literal[1] = 1
    time: str = Field(description="UTC, ISO 8601, milliseconds.", examples=["2026-02-13T10:30:45.123Z"])
    input_sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the picture file's bytes, as they were sent.")
    model: ModelReference
    code_version: str = Field(description="Version of this package and, where it is known, the commit.")
    score: float = Field(ge=0.0, le=1.0, description="Malignancy score.")
    label: str = Field(description="The class that was answered.")
    risk: str = Field(description="The risk band that was answered.")
    input_reasons: tuple[Reason, ...] = Field(
        default=(), description="Why the picture does not look like ultrasound; empty where it does."
    )
    duration_ms: float = Field(ge=0.0, description="From the picture's bytes to its score.")


def utc_now() -> str:
    """Return the time as a record has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
