"""LitServe: ``python -m benchmarks.servers.litserve_server PORT``."""

import sys
from typing import Any

import litserve

from benchmarks.keras_model import KerasModel


class Thyroid(litserve.LitAPI):  # type: ignore[misc]
    """Takes the same request as the reference design."""

    def setup(self, device: str) -> None:
        """Load the model, in the process that predicts."""
        self._model = KerasModel()

    def predict(self, request: dict[str, Any]) -> dict[str, Any]:
        """Score an image."""
        return self._model.predict(request["image"])


if __name__ == "__main__":
    server = litserve.LitServer(Thyroid(api_path="/predict"), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False)
