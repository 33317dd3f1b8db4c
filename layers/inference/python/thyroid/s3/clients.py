"""The clients of AWS, one of each kind in a process."""

import logging
from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:  # the types are not in the image
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_s3 import S3Client
    from types_boto3_stepfunctions import SFNClient

# At DEBUG these write keys and whole requests, and a key may name a patient; Lambda sets the level of all loggers at
# once.
for name in ("boto3", "botocore", "urllib3", "aws_lambda_powertools.utilities"):
    logging.getLogger(name).setLevel(logging.ERROR)

# A call that hangs fails within 20 seconds, well before the worker's own timeout.
CONFIG = Config(
    connect_timeout=2,
    read_timeout=4,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=32,
)


@cache
def s3() -> "S3Client":
    """Return the client of S3."""
    return boto3.client("s3", config=CONFIG)


@cache
def dynamodb() -> "DynamoDBClient":
    """Return the client of DynamoDB."""
    return boto3.client("dynamodb", config=CONFIG)


@cache
def events() -> "EventBridgeClient":
    """Return the client of EventBridge."""
    return boto3.client("events", config=CONFIG)


@cache
def stepfunctions() -> "SFNClient":
    """Return the client of Step Functions."""
    return boto3.client("stepfunctions", config=CONFIG)


@cache
def signer() -> "S3Client":
    """Return the client of S3 that signs links.

    The host holds the bucket's name and the region. S3 redirects other forms while a bucket is new, and a browser does
    not send its form again after a redirect.
    """
    style = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    return boto3.client("s3", config=CONFIG.merge(style))
