"""The audit record is a contract with those who search the logs."""

import re

import pytest
from pydantic import ValidationError

from tests.fakes import FakeEngine
from tests.images import image_file
from thyroid.core.analyzer import Analyzer
from thyroid.core.audit import AuditRecord
from thyroid.settings import Settings

RECORD = {
    "schema_version": 1,
    "time": "2026-02-13T10:30:45.123Z",
    "input_sha256": "0f" * 32,
    "model": {"name": "thyroid-ddti", "version": "1.0.0", "sha256": "a0" * 32},
    "code_version": "3.0.0+abc1234",
    "score": 0.8765,
    "label": "Malignant (Cancerous)",
    "risk": "High Risk",
    "input_reasons": ("too_small",),
    "duration_ms": 4.2,
}


def test_a_record_has_these_fields_and_no_others() -> None:
    assert AuditRecord.model_validate(RECORD).model_dump() == RECORD
    assert set(AuditRecord.model_fields) == set(RECORD)


@pytest.mark.parametrize(
    "change", [{"filename": "Jane.png"}, {"input_sha256": "Jane"}, {"score": 1.5}, {"schema_version": 2}]
)
def test_what_is_no_record_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AuditRecord.model_validate({**RECORD, **change})


def test_its_time_is_utc_to_the_millisecond() -> None:
    analysis = Analyzer(Settings(), lambda _settings: FakeEngine()).score(image_file())

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", AuditRecord.of(analysis).time)
