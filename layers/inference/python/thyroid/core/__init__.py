"""Image bytes to an :class:`~thyroid.core.analysis.Analysis`. It knows neither HTTP nor AWS."""
