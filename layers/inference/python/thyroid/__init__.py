"""Thyroid ultrasound analysis: score, risk and Grad-CAM of an image, from a compiled model."""

__version__ = "3.0.0"
