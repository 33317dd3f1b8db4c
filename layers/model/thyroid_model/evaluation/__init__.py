"""Measured figures of a model, and the documents that state them."""
