"""The clients of AWS, one of each kind in a process."""

import logging
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

# At DEBUG these write keys and whole requests, and a key may name a patient; Lambda sets the level of all loggers at
# once.
for name in ("boto3", "botocore", "urllib3", "aws_lambda_powertools.utilities"):
    logging.getLogger(name).setLevel(logging.ERROR)

# A call that hangs is given up within 20 seconds: well before the worker's own time is over.
CONFIG = Config(
    connect_timeout=2,
    read_timeout=4,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=32,
)


@cache
def client(service: str) -> Any:  # noqa: ANN401 - botocore makes its clients' classes when it runs
    """Return the client of a service."""
    return boto3.client(service, config=CONFIG)


@cache
def signer() -> Any:  # noqa: ANN401
    """Return the client of S3 that signs links.

    A bucket's name in the host, with the region: other forms are redirected where a bucket is new, and a browser does
    not follow with its form.
    """
    style = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    return boto3.client("s3", config=CONFIG.merge(style))
