"""The model world: networks, weights, training, evaluation, and the compiler that makes a serving artifact of them."""

import os

# TensorFlow writes informational lines to standard error when it is imported; warnings and errors stay.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
