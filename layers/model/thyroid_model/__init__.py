"""The model world: networks, weights, training, evaluation, and the compiler that makes a serving artifact of them."""

import os

# TensorFlow's C++ half writes notes and warnings to standard error at every step; its errors stay.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
