"""The functions: one small module an endpoint. Each parses, makes one call of the analyzer, and renders."""

from thyroid import quick_start

quick_start.begin()
