"""BentoML: ``bentoml serve benchmarks.servers.bentoml_service:Thyroid``."""

from typing import Any

import bentoml

from benchmarks.keras_model import KerasModel


@bentoml.service(workers=1)
class Thyroid:
    """Takes the same request as the reference design."""

    def __init__(self) -> None:
        self._model = KerasModel()

    @bentoml.api  # type: ignore[untyped-decorator]
    def predict(self, image: str) -> dict[str, Any]:
        """Score an image."""
        return self._model.predict(image)
