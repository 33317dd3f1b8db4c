"""Networks, weights, training, evaluation and compilation of the models that the service runs."""

import os

# TensorFlow's native code logs information and warnings at every step; only its errors are shown.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
