"""Events as API Gateway's REST APIs send them to a function."""

import base64
from types import SimpleNamespace
from typing import Any

CONTEXT: Any = SimpleNamespace(
    function_name="thyroid",
    function_version="1",
    memory_limit_in_mb=1024,
    invoked_function_arn="arn:aws:lambda:eu-central-1:123456789012:function:thyroid",
    aws_request_id="function-request",
    get_remaining_time_in_millis=lambda: 29_000,
)


def rest_event(
    method: str,
    path: str,
    *,
    body: bytes | str | None = None,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    resource: str | None = None,
    parameters: dict[str, str] | None = None,
    stage: str = "Prod",
    base: str = "",
) -> dict[str, Any]:
    """Make a proxy event; a body of bytes is sent as base64, as the gateway does for binary types.

    `base` is the base path of a custom domain, which stands before the path; the stage does not.
    """
    encoded = base64.b64encode(body).decode("ascii") if isinstance(body, bytes) else body
    sent = {"Host": "abc123.execute-api.eu-central-1.amazonaws.com", "X-Forwarded-Proto": "https", **(headers or {})}
    return {
        "resource": resource or path,
        "path": base + path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} if query else None,
        "pathParameters": parameters,
        "stageVariables": None,
        "requestContext": {
            "requestId": "gateway-request",
            "stage": stage,
            "path": f"{base or '/' + stage}{path}",
            "resourcePath": resource or path,
            "httpMethod": method,
            "identity": {"sourceIp": "192.0.2.1"},
        },
        "body": encoded,
        "isBase64Encoded": isinstance(body, bytes),
    }
