"""What each method of the client says and hears, written once for both clients (:data:`thyroid_client.wire.Talk`)."""

import json
from collections.abc import Callable
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from thyroid_client import parse
from thyroid_client.answers import error_of, parsed, pdf, retry_after
from thyroid_client.errors import NotReady, ThyroidAPIError, Unavailable, UnexpectedAnswer, Unreachable
from thyroid_client.pictures import CONTENT_TYPE, LARGEST_UPLOAD, Picture, file_of
from thyroid_client.results import (
    AnalyzeResult,
    GradCAMResult,
    Health,
    ModelInfo,
    PredictResult,
    Report,
    UploadResult,
)
from thyroid_client.retries import Retries, tried
from thyroid_client.wire import Answer, Request, Talk

T = TypeVar("T")
Target = Literal["malignant", "benign"]

API = "/api/v1"
ASK_AGAIN_SECONDS = 2.0


def health(rules: Retries) -> Talk[Health]:
    """Ask whether the service works. That it does not is an answer, too, and is not asked again."""
    answer = yield from tried(Request("GET", f"{API}/health"), rules, accepted=(200, 503))
    try:
        return parsed(answer, parse.health)
    except UnexpectedAnswer:
        if answer.status == 503:  # of somebody in front of the service
            raise error_of(answer) from None
        raise


def model_info(rules: Retries) -> Talk[ModelInfo]:
    """Ask what the model is."""
    answer = yield from tried(Request("GET", f"{API}/model-info"), rules)
    return parsed(answer, parse.model_info)


def predict(rules: Retries, picture: Picture) -> Talk[PredictResult]:
    """Have a picture scored."""
    return _judged(rules, "predict", picture, {}, parse.predicted)


def gradcam(
    rules: Retries, picture: Picture, layer: str | None, target: Target | None, size: int | None
) -> Talk[GradCAMResult]:
    """Have a picture explained."""
    return _judged(rules, "gradcam", picture, _options(layer, target, size), parse.explained)


def analyze(
    rules: Retries, picture: Picture, layer: str | None, target: Target | None, size: int | None
) -> Talk[AnalyzeResult]:
    """Have a picture scored and explained."""
    return _judged(rules, "analyze", picture, _options(layer, target, size), parse.analyzed)


def report_pdf(
    rules: Retries, picture: Picture, filename: str | None, layer: str | None, target: Target | None, size: int | None
) -> Talk[bytes]:
    """Have a page written about a picture."""
    request = _for_a_report("pdf", "application/pdf", picture, filename, _options(layer, target, size))
    return pdf((yield from tried(request, rules)))


def report_json(
    rules: Retries, picture: Picture, filename: str | None, layer: str | None, target: Target | None
) -> Talk[Report]:
    """Have told what that page would say."""
    request = _for_a_report("json", "application/json", picture, filename, _options(layer, target, None))
    return parsed((yield from tried(request, rules)), parse.reported)


def upload(rules: Retries, picture: Picture, timeout: float) -> Talk[UploadResult]:
    """Get a link, send a picture by it, and wait for its result."""
    data = file_of(picture, LARGEST_UPLOAD)
    asked = json.dumps({"content_type": CONTENT_TYPE, "size": len(data)}).encode()
    request = Request("POST", f"{API}/uploads", content=asked, content_type="application/json")
    link = parsed((yield from tried(request, rules, accepted=(201,))), parse.link)
    form = Request("POST", link.url, content=data, content_type=CONTENT_TYPE, form=link.fields)
    yield from _elsewhere(form, rules, "The bucket refused the upload; call `upload` again, which gets a new link.")
    return (yield from result(rules, link.id, timeout))


def result(rules: Retries, upload_id: str, timeout: float) -> Talk[UploadResult]:
    """Ask for an upload's result until it is there."""
    began, after = rules.clock(), 0.0
    request = Request("GET", f"{API}/uploads/{quote(_encodable(upload_id), safe='')}")
    while True:
        answer = yield from tried(request, rules, accepted=(200, 202), after=after)
        if answer.status == 200:
            break
        said = retry_after(answer)
        after = said or ASK_AGAIN_SECONDS
        if rules.clock() - began + after > timeout:
            raise NotReady(
                f"The picture has no result after {timeout:g} seconds; ask again with `result` and the error's "
                "`upload_id`.",
                upload_id=upload_id,
                retry_after=said or None,
            )
    pictures = []
    for address in parsed(answer, parse.map_links):
        failed = "The bucket does not give the result's pictures; ask again with `result`, which gets new links."
        pictures.append((yield from _elsewhere(Request("GET", address), rules, failed)).content)
    heatmap, overlay = pictures
    return parsed(answer, lambda body: parse.uploaded(body, heatmap, overlay))


def _judged(
    rules: Retries, endpoint: str, picture: Picture, options: dict[str, str], parse: Callable[[dict[str, Any]], T]
) -> Talk[T]:
    data = file_of(picture)
    # The file itself, not base64 in JSON: a third less to send. So the options are in the address, where no file name
    # may be; and the service would only give that back.
    request = Request("POST", f"{API}/{endpoint}", query=options, content=data, content_type=CONTENT_TYPE)
    return parsed((yield from tried(request, rules)), parse)


def _for_a_report(kind: str, accept: str, picture: Picture, filename: str | None, options: dict[str, str]) -> Request:
    """Return a request whose file name, which may be a patient's, is in the body and in no address."""
    data = file_of(picture)
    form = options if filename is None else options | {"filename": _encodable(filename)}
    return Request(
        "POST",
        f"{API}/report/{kind}",
        content=data,
        content_type=CONTENT_TYPE,
        form=form,
        part="image",
        accept=accept,
    )


def _options(layer: str | None, target: str | None, size: int | None) -> dict[str, str]:
    given = {"layer_name": layer, "target": target, "size": size}
    return {name: _encodable(str(value)) for name, value in given.items() if value is not None}


def _encodable(text: str) -> str:
    r"""Return a text as UTF-8 can have it: where ``os.listdir`` names a file by bytes that are none, as ``\udcff``."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _elsewhere(request: Request, rules: Retries, failed: str) -> Talk[Answer]:
    """Send a request to a bucket, which speaks S3's own words, or to a laptop that stands in for one."""
    try:
        return (yield from tried(request, rules, accepted=(200, 204)))
    except Unreachable as error:
        raise Unreachable(
            "The bucket behind the link cannot be reached; check that your network or its proxy lets you through to it."
        ) from error.__cause__
    except ThyroidAPIError as error:
        if error.problem:
            raise
        raise Unavailable(failed, status=error.status, retry_after=error.retry_after) from None
