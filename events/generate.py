"""Writes the sample events, one for each function and for each way in: ``python -m events.generate``.

Each is what API Gateway's REST API, a queue or Step Functions hands to a function, for ``sam local invoke FUNCTION -e
events/NAME.json``. The pictures are phantoms made by code: no patient is in them.
"""

import base64
import io
import json
import sys
from pathlib import Path
from typing import Any

from PIL import Image

from thyroid import phantom

FOLDER = Path(__file__).parent
STAGE = "prod"
HEIGHT, WIDTH = 200, 300  # small, so that the events are

Event = dict[str, Any]


def picture(seed: int, *, suspicious: bool) -> bytes:
    """Return a phantom as a grey PNG file."""
    pixels = phantom.make(seed, suspicious=suspicious, height=HEIGHT, width=WIDTH)
    file = io.BytesIO()
    Image.fromarray(pixels).convert("L").save(file, "PNG")
    return file.getvalue()


def event(
    name: str,
    method: str,
    path: str,
    *,
    body: str | None = None,
    content_type: str | None = None,
    query: dict[str, str] | None = None,
    is_base64: bool = False,
    accept: str = "application/json",
) -> Event:
    """Return a request as the gateway hands it to a function (payload format 1.0)."""
    headers = {"Accept": accept, "Host": "api.example.com", "User-Agent": "sample-event/1.0"}
    if content_type:
        headers["Content-Type"] = content_type
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {key: [value] for key, value in headers.items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {key: [value] for key, value in query.items()} if query else None,
        "pathParameters": None,
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
            "resourcePath": path,
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


def events() -> dict[str, Event]:
    """Return all sample events by name."""
    suspicious = base64.b64encode(picture(1, suspicious=True)).decode("ascii")
    harmless = base64.b64encode(picture(2, suspicious=False)).decode("ascii")
    json_type = "application/json"
    predict = {"image": harmless, "filename": "phantom.png"}
    gradcam = {"image": f"data:image/png;base64,{suspicious}", "filename": "phantom.png", "layer_name": None}
    analyze = {"image": suspicious, "filename": "phantom.png", "include_gradcam": True}
    report = {"image": suspicious, "filename": "phantom.png"}
    return {
        "health": event("health", "GET", "/api/v1/health"),
        "model_info": event("model_info", "GET", "/api/v1/model-info"),
        "predict": event("predict", "POST", "/api/v1/predict", body=json.dumps(predict), content_type=json_type),
        # The gateway hands on bodies of the template's binary types as base64.
        "predict_raw": event(
            "predict_raw",
            "POST",
            "/api/v1/predict",
            body=harmless,
            content_type="image/png",
            query={"filename": "phantom.png"},
            is_base64=True,
        ),
        "gradcam": event("gradcam", "POST", "/api/v1/gradcam", body=json.dumps(gradcam), content_type=json_type),
        "analyze": event("analyze", "POST", "/api/v1/analyze", body=json.dumps(analyze), content_type=json_type),
        "report": event("report", "POST", "/api/v1/report/json", body=json.dumps(report), content_type=json_type),
        "report_pdf": event(
            "report_pdf",
            "POST",
            "/api/v1/report/pdf",
            body=json.dumps(report),
            content_type=json_type,
            accept="application/pdf",  # first of all: otherwise the gateway would pass the answer on as base64
        ),
        "site": event("site", "GET", "/"),
        "upload_links": event(
            "upload_links",
            "POST",
            "/api/v1/uploads",
            body=json.dumps({"content_type": "image/tiff", "size": 20_000_000}),
            content_type=json_type,
        ),
        # These three need the buckets of a deployed stack; without them the worker names the message as failed.
        "uploads": {"Records": [message("sample-message", "my-uploads", "scans/phantom.png")]},
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
