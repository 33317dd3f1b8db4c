"""Stand-ins for a compiled model, for tests of what is around it."""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.images import image_file
from thyroid.core.manifest import Golden, Manifest, Parity
from thyroid.core.options import DEFAULT_OPTIONS, ExplainOptions

LAYERS = {"conv2d": (16, 16), "depthwise_separable_conv": (8, 8)}
DEFAULT_LAYER = "depthwise_separable_conv"
LOW_RISK = "Routine monitoring recommended"
HIGH_RISK = "Immediate specialist consultation and biopsy recommended"


def make_manifest(golden: Golden | None = None) -> Manifest:
    """A manifest with the reference's words and a small square input."""
    return Manifest.model_validate(
        {
            "name": "fake",
            "version": "1.2.3",
            "description": "A model for tests.",
            "weights": {"source": "none", "sha256": "0" * 64},
            "input_shape": [None, 64, 64, 3],
            "output_shape": [None, 1],
            "total_parameters": 278039,
            "preprocessing": {"field_of_view": False, "resize": "bilinear", "scale": 1 / 255},
            "classes": {"0": "Benign (Non-Cancerous)", "1": "Malignant (Cancerous)"},
            "risk_bands": [
                {"id": "high", "minimum": 0.75, "label": "High Risk", "recommendation": HIGH_RISK},
                {
                    "id": "moderate",
                    "minimum": 0.5,
                    "label": "Moderate Risk",
                    "recommendation": "Further diagnostic tests and specialist review advised",
                },
                {
                    "id": "borderline",
                    "minimum": 0.25,
                    "label": "Borderline",
                    "recommendation": "Follow-up imaging in 6-12 months advised",
                },
                {"id": "low", "minimum": 0.0, "label": "Low Risk", "recommendation": LOW_RISK},
            ],
            "conv_layers": [{"name": n, "height": h, "width": w} for n, (h, w) in LAYERS.items()],
            "default_layer": DEFAULT_LAYER,
            "calibration": {},
            "evaluation": {"auc": 0.7},
            "score_graph": {"file": "score.tflite", "sha256": "a" * 64},
            "maps_graphs": {
                f"{h}x{w}": {"file": f"maps_{h}x{w}.tflite", "sha256": "b" * 64} for h, w in LAYERS.values()
            },
            "golden": golden or {"file": "golden.png", "sha256": "c" * 64, "score": 0.5, "tolerance": 1e-5},
            "parity": dict.fromkeys(Parity.model_fields, 0),
        }
    )


class FakeEngine:
    """Answers a fixed score, and evidence for malignancy in the left half of the image, against it in the right."""

    def __init__(self, score: float = 0.1234, manifest: Manifest | None = None) -> None:
        self.manifest = manifest or make_manifest()
        self.answer = score
        self.calls = 0

    def score(self, tensor: npt.NDArray[np.float32]) -> float:
        self.calls += 1
        assert tensor.shape == (1, 64, 64, 3)
        return self.answer

    def score_and_map(
        self, tensor: npt.NDArray[np.float32], options: ExplainOptions = DEFAULT_OPTIONS
    ) -> tuple[float, npt.NDArray[np.float32]]:
        height, width = LAYERS[options.layer_name or DEFAULT_LAYER]
        evidence = np.full((height, width), -1.0, np.float32)
        evidence[:, : width // 2] = 2.0
        return self.score(tensor), evidence

    def check(self) -> None:
        """Nothing of it is opened later."""


def golden_artifact(folder: Path, score: float) -> Golden:
    """Write a golden image into `folder` and say which score it should get."""
    data = image_file()
    (folder / "golden.png").write_bytes(data)
    return Golden(file="golden.png", sha256=hashlib.sha256(data).hexdigest(), score=score, tolerance=1e-5)
