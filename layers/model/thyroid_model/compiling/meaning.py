"""What a score means, in the reference service's words; every artifact carries it.

This is the only place of these texts. Code and records name a band by its id.
"""

from thyroid.core.manifest import RiskBand

CLASSES = {"0": "Benign (Non-Cancerous)", "1": "Malignant (Cancerous)"}
RISK_BANDS = (
    RiskBand(
        id="high",
        minimum=0.75,
        label="High Risk",
        recommendation="Immediate specialist consultation and biopsy recommended",
    ),
    RiskBand(
        id="moderate",
        minimum=0.50,
        label="Moderate Risk",
        recommendation="Further diagnostic tests and specialist review advised",
    ),
    RiskBand(
        id="borderline",
        minimum=0.25,
        label="Borderline",
        recommendation="Follow-up imaging in 6-12 months advised",
    ),
    RiskBand(
        id="low",
        minimum=0.0,
        label="Low Risk",
        recommendation="Routine monitoring recommended",
    ),
)
