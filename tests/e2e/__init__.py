"""Tests of what is deployed: the image and the SAM application, with a real container engine."""
