"""Compiles a model into the artifact that the serving world reads."""
