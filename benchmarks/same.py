"""Checks that all contenders return the same results: only then can their times be compared."""

import base64
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

# Arithmetic in 32 bits, in another order. A heatmap's colours are 256 steps.
_SCORE, _HEATMAP = 1e-4, 2.0


class DifferentResultError(Exception):
    """Two contenders return different results for the same image."""


def require_same_scores(scores: Mapping[str, float]) -> None:
    """Check that scores are the same.

    Raises
    ------
    DifferentResultError
        If they differ by more than rounding does.
    """
    if max(scores.values()) - min(scores.values()) > _SCORE:
        raise DifferentResultError(f"the scores are not the same: {dict(scores)}")


def require_same_results(results: Mapping[str, Any]) -> None:
    """Check that the scores of results are the same, and so are their heatmaps if they have any.

    Raises
    ------
    DifferentResultError
        If they differ by more than rounding does.
    """
    require_same_scores({name: result["prediction"]["confidence_score"] for name, result in results.items()})
    maps = {name: _heatmap(result) for name, result in results.items()}
    known = {name: found for name, found in maps.items() if found is not None}
    if len(known) not in (0, len(results)):
        raise DifferentResultError(f"only {', '.join(known)} return a heatmap")
    for name, found in known.items():
        apart = float(np.abs(found - next(iter(known.values()))).mean())
        if apart > _HEATMAP:
            raise DifferentResultError(f"the heatmap of {name} is different: {apart:.1f} steps apart")


def _heatmap(result: Any) -> np.ndarray[Any, Any] | None:
    images = result.get("images") or (result.get("gradcam") or {}).get("images")
    if not images:
        return None
    image = Image.open(io.BytesIO(base64.b64decode(images["heatmap"])))
    return np.asarray(image.convert("RGB"), np.float64)
