"""Writes the sample events, one for each endpoint and for each other caller: ``python -m events.generate``.

Each is what API Gateway's REST API, a queue or Step Functions hands to a function, for ``sam local invoke FUNCTION -e
events/NAME.json``. The images are phantoms made by code: no patient is in them.
"""

import base64
import io
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from functions.endpoints import ENDPOINTS, JSON, Endpoint
from thyroid import phantom

FOLDER = Path(__file__).parent
STAGE = "prod"
HEIGHT, WIDTH = 200, 300  # small, so that the events are
PARAMETERS = {"id": "6925a1b2-0123456789abcdef0123456789abcdef"}  # of paths

Event = dict[str, Any]


def image_file(seed: int, *, suspicious: bool) -> bytes:
    """Return a phantom as a grey PNG file."""
    pixels = phantom.make(seed, suspicious=suspicious, height=HEIGHT, width=WIDTH)
    file = io.BytesIO()
    Image.fromarray(pixels).convert("L").save(file, "PNG")
    return file.getvalue()


@cache
def encoded(seed: int, *, suspicious: bool) -> str:
    """Return a phantom's file in base64."""
    return base64.b64encode(image_file(seed, suspicious=suspicious)).decode("ascii")


def event(
    name: str,
    method: str,
    path: str,
    *,
    body: str | None = None,
    content_type: str | None = None,
    query: dict[str, str] | None = None,
    is_base64: bool = False,
    parameters: dict[str, str] | None = None,
    accept: str = JSON,
) -> Event:
    """Return a request as the gateway hands it to a function (payload format 1.0)."""
    resource, path = path, path.format_map(parameters or {})
    headers = {"Accept": accept, "Host": "api.example.com", "User-Agent": "sample-event/1.0"}
    if content_type:
        headers["Content-Type"] = content_type
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {key: [value] for key, value in headers.items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {key: [value] for key, value in query.items()} if query else None,
        "pathParameters": parameters,
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdefghij",
            "domainName": "api.example.com",
            "httpMethod": method,
            "identity": {"sourceIp": "192.0.2.1", "userAgent": headers["User-Agent"]},
            "path": f"/{STAGE}{path}",
            "protocol": "HTTP/1.1",
            "requestId": f"sample-{name}",
            "requestTime": "01/Jan/2026:00:00:00 +0000",
            "requestTimeEpoch": 1767225600000,
            "resourceId": "abc123",
            "resourcePath": resource,
            "stage": STAGE,
        },
        "body": body,
        "isBase64Encoded": is_base64,
    }


def message(name: str, bucket: str, key: str) -> Event:
    """Return a message of the queue: an event of EventBridge, that an object was created."""
    found = {"key": key, "size": 40_000, "etag": "0" * 32, "version-id": "a-version", "sequencer": "0069559b00000000"}
    told = {
        "version": "0",
        "id": "00000000-0000-0000-0000-000000000000",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "123456789012",
        "time": "2026-01-01T00:00:00Z",
        "region": "eu-central-1",
        "resources": [f"arn:aws:s3:::{bucket}"],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket},
            "object": found,
            "request-id": "sample-request",
            "requester": "123456789012",
            "source-ip-address": "192.0.2.1",
            "reason": "PutObject",
        },
    }
    return {
        "messageId": name,
        "receiptHandle": "sample",
        "body": json.dumps(told),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1767225600000"},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:uploads",
        "awsRegion": "eu-central-1",
    }


def sample(endpoint: Endpoint) -> Event:
    """Return a sample request to an endpoint."""
    body: dict[str, Any] = {}
    if endpoint.takes_image:
        body = {"image": encoded(1, suspicious=True), "filename": "phantom.png"}
    body |= fields().get(endpoint.name, {})
    named = {name: value for name, value in PARAMETERS.items() if f"{{{name}}}" in endpoint.path}
    return event(
        endpoint.name,
        endpoint.method,
        endpoint.path,
        body=json.dumps(body) if body else None,
        content_type=JSON if body else None,
        parameters=named or None,
        # First of all: otherwise the gateway would pass a response of bytes on as base64.
        accept=endpoint.media_type,
    )


def fields() -> dict[str, dict[str, Any]]:
    """Return what a sample request holds instead of the usual image or beside it, by the name of the endpoint."""
    return {
        "predict": {"image": encoded(2, suspicious=False)},
        "gradcam": {"image": f"data:image/png;base64,{encoded(1, suspicious=True)}", "layer_name": None},
        "analyze": {"include_gradcam": True},
        "uploads": {"content_type": "image/tiff", "size": 20_000_000},
    }


def events() -> dict[str, Event]:
    """Return all sample events by name."""
    return {
        **{endpoint.name: sample(endpoint) for endpoint in ENDPOINTS},
        # The gateway hands on bodies of the template's binary types as base64.
        "predict_raw": event(
            "predict_raw",
            "POST",
            "/api/v1/predict",
            body=encoded(2, suspicious=False),
            content_type="image/png",
            query={"filename": "phantom.png"},
            is_base64=True,
        ),
        "site": event("site", "GET", "/"),
        # These three need the buckets of a deployed stack; without them the worker names the message as failed.
        "s3_worker": {"Records": [message("sample-message", "my-uploads", "scans/phantom.png")]},
        "archive": {
            "Items": [{"Etag": "0" * 32, "Key": "scans/phantom.png", "LastModified": 1767225600, "Size": 40_000}],
            "BatchInput": {"bucket": "my-uploads", "run": "sample-run", "encoded": False},
            "Attempt": 0,
        },
        "archive_summary": {
            "run": "sample-run",
            "execution": "arn:aws:states:eu-central-1:123456789012:execution:archive:sample-run",
            "started": "2026-01-01T00:00:00.000Z",
            "bucket": "my-uploads",
            "prefix": "scans/",
            "tolerated": 5,
        },
    }


def main() -> int:
    """Write the events beside this file; return the exit status."""
    for name, content in events().items():
        (FOLDER / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
