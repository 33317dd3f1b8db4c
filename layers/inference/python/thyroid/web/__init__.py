"""The HTTP face of :mod:`thyroid.service`: FastAPI here, API Gateway and Lambda in :mod:`.lambda_handler`."""
