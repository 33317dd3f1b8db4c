"""MLServer: ``mlserver start FOLDER``, with this module named in the folder's ``model-settings.json``."""

import json

from mlserver import MLModel
from mlserver.codecs import StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.keras_model import KerasModel


class Thyroid(MLModel):  # type: ignore[misc]
    """Takes the image in the Open Inference Protocol, as all models of this server do."""

    async def load(self) -> bool:
        """Load the model."""
        self._model = KerasModel()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Score an image."""
        (image,) = StringCodec.decode_input(payload.inputs[0])
        result = json.dumps(self._model.predict(image))
        return InferenceResponse(model_name=self.name, outputs=[StringCodec.encode_output("result", [result])])
