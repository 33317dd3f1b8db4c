"""Times can be compared only between those that say the same."""

import base64
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

# Arithmetic in 32 bits, in another order. A heatmap's colours are 256 steps.
_SCORE, _HEATMAP = 1e-4, 2.0


class DifferentAnswerError(Exception):
    """Two contenders do not say the same of the same picture."""


def require_same_scores(scores: Mapping[str, float]) -> None:
    """Refuse scores that are apart.

    Raises
    ------
    DifferentAnswerError
        If they are.
    """
    if max(scores.values()) - min(scores.values()) > _SCORE:
        raise DifferentAnswerError(f"the scores are not the same: {dict(scores)}")


def require_same_answers(answers: Mapping[str, Any]) -> None:
    """Refuse answers whose scores, or whose heatmaps if they have any, are apart.

    Raises
    ------
    DifferentAnswerError
        If they are.
    """
    require_same_scores({name: answer["prediction"]["confidence_score"] for name, answer in answers.items()})
    maps = {name: _heatmap(answer) for name, answer in answers.items()}
    known = {name: found for name, found in maps.items() if found is not None}
    if len(known) not in (0, len(answers)):
        raise DifferentAnswerError(f"only {', '.join(known)} answer with a heatmap")
    for name, found in known.items():
        apart = float(np.abs(found - next(iter(known.values()))).mean())
        if apart > _HEATMAP:
            raise DifferentAnswerError(f"the heatmap of {name} is another: {apart:.1f} steps apart")


def _heatmap(answer: Any) -> np.ndarray[Any, Any] | None:
    images = answer.get("images") or (answer.get("gradcam") or {}).get("images")
    if not images:
        return None
    picture = Image.open(io.BytesIO(base64.b64decode(images["heatmap"])))
    return np.asarray(picture.convert("RGB"), np.float64)
