"""The service as it is deployed, with buckets that moto plays in its process: `uvicorn tests.deployed:app`.

`SERVED` names what is served, as module:attribute; `ENVIRONMENT` is what a server of it has to be told.
"""

import importlib
import os

from moto import mock_aws

from tests import buckets

ENVIRONMENT = {
    "THYROID_UPLOADS_BUCKET": buckets.UPLOADS,
    "THYROID_RESULTS_BUCKET": buckets.RESULTS,
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
}

if "SERVED" in os.environ:
    mock_aws().start()
    buckets.Cloud()
    _module, _, _name = os.environ["SERVED"].partition(":")
    app = getattr(importlib.import_module(_module), _name)
