"""The lower bound of any Python service on this machine: ``python -m benchmarks.floor start|multiply|count``.

``start`` imports only what reading an image and making a network's input need.
"""

import sys
import time


def start() -> None:
    """Read an event, decode its image and scale it; print the shape."""
    import base64
    import io
    import json

    import numpy as np
    from PIL import Image

    event = json.load(sys.stdin)
    image = Image.open(io.BytesIO(base64.b64decode(json.loads(event["body"])["image"]))).convert("RGB")
    tensor = np.asarray(image.resize((128, 128), Image.Resampling.LANCZOS), np.float32) / 255
    print(tensor.shape, flush=True)


def multiply() -> None:
    """Print how many float32 multiply-adds per second one thread does in a matrix product of NumPy."""
    import numpy as np

    side = 1024
    one = np.random.default_rng(0).random((side, side), np.float32)
    best = 0.0
    for _ in range(20):
        started = time.perf_counter()
        one @ one
        best = max(best, side**3 / (time.perf_counter() - started))
    print(best)


def count() -> None:
    """Print how many multiply-adds the bundled network takes for an image."""
    import tensorflow as tf

    from benchmarks.keras_model import MODEL_FILE
    from thyroid_model.networks.weights import load_model

    model = load_model(MODEL_FILE)
    graph = tf.function(lambda image: model(image, training=False)).get_concrete_function(
        tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)
    )
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    profile = tf.compat.v1.profiler.profile(graph.graph, options=options)
    print(profile.total_float_ops // 2)


if __name__ == "__main__":
    {"start": start, "multiply": multiply, "count": count}[sys.argv[1]]()
