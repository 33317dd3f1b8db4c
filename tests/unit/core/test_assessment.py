import numpy as np
import pytest

from tests.fakes import make_manifest
from thyroid.core.assessment import assess

MANIFEST = make_manifest()


@pytest.mark.parametrize(
    ("score", "class_id", "label", "risk", "recommendation"),
    [
        (1.0, 1, "Malignant (Cancerous)", "High Risk", "Immediate specialist consultation and biopsy recommended"),
        (0.75, 1, "Malignant (Cancerous)", "High Risk", "Immediate specialist consultation and biopsy recommended"),
        (0.74, 1, "Malignant (Cancerous)", "Moderate Risk", "Further diagnostic tests and specialist review advised"),
        (0.5, 1, "Malignant (Cancerous)", "Moderate Risk", "Further diagnostic tests and specialist review advised"),
        (0.49, 0, "Benign (Non-Cancerous)", "Borderline", "Follow-up imaging in 6-12 months advised"),
        (0.25, 0, "Benign (Non-Cancerous)", "Borderline", "Follow-up imaging in 6-12 months advised"),
        (0.24, 0, "Benign (Non-Cancerous)", "Low Risk", "Routine monitoring recommended"),
        (0.0, 0, "Benign (Non-Cancerous)", "Low Risk", "Routine monitoring recommended"),
    ],
)
def test_a_score_falls_into_its_band(score: float, class_id: int, label: str, risk: str, recommendation: str) -> None:
    verdict = assess(score, MANIFEST)

    assert (verdict.class_id, verdict.label) == (class_id, label)
    assert (verdict.risk, verdict.recommendation) == (risk, recommendation)


@pytest.mark.parametrize(
    ("score", "percentage"), [(0.1234, 87.66), (0.8765, 87.65), (0.87654, 87.65), (0.5, 50.0), (1.0, 100.0)]
)
def test_the_confidence_is_the_probability_of_the_label_given(score: float, percentage: float) -> None:
    assert assess(score, MANIFEST).confidence_percentage == percentage


def test_the_score_is_written_as_briefly_as_a_float32_can_be() -> None:
    assert assess(float(np.float32(0.1234)), MANIFEST).score == 0.1234


@pytest.mark.parametrize("limit", [0.25, 0.5, 0.75])
def test_a_score_next_to_a_limit_is_never_rounded_onto_it(limit: float) -> None:
    below = assess(float(np.nextafter(np.float32(limit), np.float32(0))), MANIFEST)
    at = assess(limit, MANIFEST)

    assert below.score < limit == at.score
    assert below.risk != at.risk


@pytest.mark.parametrize(("score", "risk_id"), [(0.75, "high"), (0.5, "moderate"), (0.25, "borderline"), (0.0, "low")])
def test_the_band_is_named_by_its_id_too(score: float, risk_id: str) -> None:
    assert assess(score, MANIFEST).risk_id == risk_id


def test_different_scores_stay_different() -> None:
    scores = np.linspace(0.3, 0.3001, 500, dtype=np.float32)

    assert len({assess(float(score), MANIFEST).score for score in scores}) == len(set(scores.tolist()))
