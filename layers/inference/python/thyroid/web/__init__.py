"""The HTTP face of :mod:`thyroid.core.analyzer`: FastAPI here, API Gateway and Lambda in :mod:`.lambda_handler`."""
