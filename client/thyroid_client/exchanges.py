"""What each method of the client sends and receives, once for both clients (:data:`thyroid_client.wire.Exchange`)."""

import json
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

from thyroid_client import parse, results
from thyroid_client.errors import NotReady, ThyroidAPIError, Unavailable, UnexpectedResponse, Unreachable
from thyroid_client.images import CONTENT_TYPE, MAX_UPLOAD_BYTES, ImageSource, image_bytes
from thyroid_client.options import DEFAULT_OPTIONS, ExplainOptions
from thyroid_client.responses import error_for, parse_json, pdf_bytes, retry_after
from thyroid_client.retries import Retries, send_with_retries
from thyroid_client.wire import Exchange, Request, Response

T = TypeVar("T")

API = "/api/v1"
POLL_SECONDS = 2.0


def health(retries: Retries) -> Exchange[results.Health]:
    """Ask whether the service works. "It does not" is a result too, and is not retried."""
    response = yield from send_with_retries(Request("GET", f"{API}/health"), retries, accepted=(200, 503))
    try:
        return parse_json(response, parse.health)
    except UnexpectedResponse:
        if response.status == 503:  # sent by something in front of the service
            raise error_for(response) from None
        raise


def model_info(retries: Retries) -> Exchange[results.ModelInfo]:
    """Ask what the model is."""
    response = yield from send_with_retries(Request("GET", f"{API}/model-info"), retries)
    return parse_json(response, parse.model_info)


def predict(retries: Retries, image: ImageSource) -> Exchange[results.PredictResult]:
    """Score an image."""
    return _send_image(retries, "predict", image, DEFAULT_OPTIONS, parse.predict_result)


def gradcam(retries: Retries, image: ImageSource, options: ExplainOptions) -> Exchange[results.GradCAMResult]:
    """Explain the score of an image."""
    return _send_image(retries, "gradcam", image, options, parse.gradcam_result)


def analyze(retries: Retries, image: ImageSource, options: ExplainOptions) -> Exchange[results.AnalyzeResult]:
    """Score an image and explain the score."""
    return _send_image(retries, "analyze", image, options, parse.analyze_result)


def report_pdf(retries: Retries, image: ImageSource, filename: str | None, options: ExplainOptions) -> Exchange[bytes]:
    """Get the report on an image as a PDF file."""
    request = _report_request("pdf", "application/pdf", image, filename, options)
    return pdf_bytes((yield from send_with_retries(request, retries)))


def report_json(
    retries: Retries, image: ImageSource, filename: str | None, options: ExplainOptions
) -> Exchange[results.Report]:
    """Get the content of that report as fields."""
    request = _report_request("json", "application/json", image, filename, options)
    return parse_json((yield from send_with_retries(request, retries)), parse.report)


def upload(retries: Retries, image: ImageSource, timeout: float) -> Exchange[results.UploadResult]:
    """Get a link, send an image by it, and wait for its result."""
    data = image_bytes(image, MAX_UPLOAD_BYTES)
    wanted = json.dumps({"content_type": CONTENT_TYPE, "size": len(data)}).encode()
    request = Request("POST", f"{API}/uploads", content=wanted, content_type="application/json")
    link = parse_json((yield from send_with_retries(request, retries, accepted=(201,))), parse.upload_link)
    form = Request("POST", link.url, content=data, content_type=CONTENT_TYPE, form=link.fields)
    yield from _send_to_bucket(
        form, retries, "The bucket refused the upload; call `upload` again, which gets a new link."
    )
    return (yield from result(retries, link.id, timeout))


def result(retries: Retries, upload_id: str, timeout: float) -> Exchange[results.UploadResult]:
    """Poll for an upload's result until it is there."""
    started, after = retries.clock(), 0.0
    request = Request("GET", f"{API}/uploads/{quote(_encodable(upload_id), safe='')}")
    while True:
        response = yield from send_with_retries(request, retries, accepted=(200, 202), after=after)
        if response.status == 200:
            break
        seconds = retry_after(response)
        after = seconds or POLL_SECONDS
        if retries.clock() - started + after > timeout:
            raise NotReady(
                f"The image has no result after {timeout:g} seconds; call `result` with the error's `upload_id` later.",
                upload_id=upload_id,
                retry_after=seconds or None,
            )
    files = []
    for address in parse_json(response, parse.map_links):
        failed = "The bucket does not return the result's images; ask again with `result`, which gets new links."
        files.append((yield from _send_to_bucket(Request("GET", address), retries, failed)).content)
    heatmap, overlay = files
    return parse_json(response, lambda body: parse.upload_result(body, heatmap, overlay))


def _send_image(
    retries: Retries, endpoint: str, image: ImageSource, options: ExplainOptions, parse: Callable[[dict[str, Any]], T]
) -> Exchange[T]:
    data = image_bytes(image)
    # The file itself, not base64 in JSON, which would be a third larger. So the options are in the address, where no
    # file name may be; the service would only send it back.
    request = Request("POST", f"{API}/{endpoint}", query=_fields(options), content=data, content_type=CONTENT_TYPE)
    return parse_json((yield from send_with_retries(request, retries)), parse)


def _report_request(
    kind: str, accept: str, image: ImageSource, filename: str | None, options: ExplainOptions
) -> Request:
    """Return a request whose file name, which may be a patient's, is in the body and in no address."""
    data = image_bytes(image)
    form = _fields(options) | ({} if filename is None else {"filename": _encodable(filename)})
    return Request(
        "POST",
        f"{API}/report/{kind}",
        content=data,
        content_type=CONTENT_TYPE,
        form=form,
        part="image",
        accept=accept,
    )


def _fields(options: ExplainOptions) -> dict[str, str]:
    return {name: _encodable(value) for name, value in options.fields().items()}


def _encodable(text: str) -> str:
    r"""Return a text that UTF-8 can encode: ``os.listdir`` names files of other bytes with texts such as ``\udcff``."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _send_to_bucket(request: Request, retries: Retries, failed: str) -> Exchange[Response]:
    """Send a request to a bucket, whose errors are S3's own, or to a local server that stands in for one."""
    try:
        return (yield from send_with_retries(request, retries, accepted=(200, 204)))
    except Unreachable as error:
        raise Unreachable(
            "The bucket behind the link cannot be reached; check that your network or its proxy lets you through to it."
        ) from error.__cause__
    except ThyroidAPIError as error:
        if error.problem:
            raise
        raise Unavailable(failed, status=error.status, retry_after=error.retry_after) from None
