"""Each error is of a type that tells what to do, and says it in a sentence that holds nothing of a patient."""

import asyncio
import copy
import pickle
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.client import (
    ANALYZED,
    EXPLAINED,
    HEALTHY,
    MODEL_INFO,
    PNG,
    PREDICTED,
    Script,
    ok,
    problem,
)
from thyroid_client import (
    AccessDenied,
    BadImage,
    Client,
    NotReady,
    ThyroidAPIError,
    TooManyRequests,
    Unavailable,
    UnexpectedResponse,
    Unreachable,
)

NESTED = b"[" * 200_000 + b"]" * 200_000

KINDS = [
    (400, BadImage),
    (401, AccessDenied),
    (403, AccessDenied),
    (404, UnexpectedResponse),
    (405, UnexpectedResponse),
    (408, Unavailable),
    (410, Unavailable),
    (413, BadImage),
    (415, BadImage),
    (422, BadImage),
    (429, TooManyRequests),
    (500, Unavailable),
    (501, Unavailable),
    (502, Unavailable),
    (503, Unavailable),
    (504, Unavailable),
    (204, UnexpectedResponse),
    (302, UnexpectedResponse),
    (418, UnexpectedResponse),
]


def error_from(response: httpx.Response | Exception, **more: Any) -> ThyroidAPIError:
    with pytest.raises(ThyroidAPIError) as caught:
        Script(response).client(retries=0, **more).predict(PNG)
    return caught.value


@pytest.mark.parametrize(("status", "kind"), KINDS)
def test_a_status_has_its_type_and_a_sentence_even_without_a_problem(status: int, kind: type[ThyroidAPIError]) -> None:
    error = error_from(httpx.Response(status, text="<html>no</html>"))

    assert type(error) is kind
    assert (error.status, error.problem, error.code, error.request_id) == (status, None, None, None)
    assert str(error).endswith(".")
    assert "html" not in str(error)


@pytest.mark.parametrize(("status", "kind"), KINDS)
def test_a_problem_is_told_in_its_own_sentence_and_carried(status: int, kind: type[ThyroidAPIError]) -> None:
    error = error_from(problem(status, "some_code", "Do this instead."))

    assert type(error) is kind
    assert str(error) == "Do this instead."
    assert (error.status, error.code, error.request_id) == (status, "some_code", "r-1")
    assert error.problem is not None
    assert error.problem["title"] == "No"


def test_who_is_refused_for_a_key_is_told_of_the_parameter_and_not_of_a_header() -> None:
    said = "This address needs a key, and none came that is known; send yours in the header X-Api-Key."
    error = error_from(problem(403, "forbidden", said))

    assert "`api_key`" in str(error)
    assert "X-Api-Key" not in str(error)
    assert error.problem is not None
    assert error.problem["detail"] == said


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"detail": 7, "code": [], "request_id": {}}', b"\xff", NESTED])
def test_a_broken_problem_is_still_an_error_of_its_status(body: bytes) -> None:
    headers = {"Content-Type": "application/problem+json; charset=utf-8", "X-Request-Id": "r-2"}
    error = error_from(httpx.Response(422, content=body, headers=headers))

    assert type(error) is BadImage
    assert error.code is None
    assert str(error).endswith(".")


@pytest.mark.parametrize("error", [httpx.ConnectError("no"), httpx.ReadTimeout("no"), httpx.ReadError("no")])
def test_no_answer_is_a_type_of_its_own(error: Exception) -> None:
    assert type(error_from(error)) is Unreachable


@pytest.mark.parametrize("error", [httpx.ConnectError("no"), httpx.ReadTimeout("no"), httpx.DecodingError("no")])
def test_no_error_carries_the_key(error: Exception) -> None:
    # GIVEN requests with a key, of which the second gets no response
    script, again = (Script(httpx.Response(503), error) for _ in range(2))
    # WHEN the error leaves either client
    with pytest.raises(ThyroidAPIError) as caught:
        script.client("k3y", retries=1).predict(PNG)
    with pytest.raises(ThyroidAPIError) as caught_async:
        asyncio.run(again.async_client("k3y", retries=1).predict(PNG))
    assert script.requests[0].headers["x-api-key"] == again.requests[0].headers["x-api-key"] == "k3y"
    # THEN neither it nor a cause of it has the key
    for left in (caught.value, caught_async.value):
        cause: BaseException | None = left
        while cause is not None:
            request = getattr(cause, "_request", None)
            assert "k3y" not in f"{cause!r} {vars(cause)} {request and request.headers.raw}"
            cause = cause.__cause__ or cause.__context__


def without(body: dict[str, Any], *path: str) -> dict[str, Any]:
    found = changed = copy.deepcopy(body)
    for name in path[:-1]:
        found = found[name]
    del found[path[-1]]
    return changed


def with_(body: dict[str, Any], value: object, *path: str) -> dict[str, Any]:
    found = changed = copy.deepcopy(body)
    for name in path[:-1]:
        found = found[name]
    found[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (without(PREDICTED, "prediction"), "prediction"),
        (without(PREDICTED, "prediction", "class"), "class"),
        (without(PREDICTED, "model", "sha256"), "sha256"),
        (with_(PREDICTED, "high", "prediction", "confidence_score"), "confidence_score"),
        (with_(PREDICTED, True, "prediction", "class"), "class"),
        (with_(PREDICTED, None, "input_check"), "input_check"),
        (with_(PREDICTED, [7], "input_check", "reasons"), "reasons"),
        (with_(PREDICTED, 7, "disclaimer"), "disclaimer"),
    ],
)
def test_an_answer_that_lacks_something_is_unexpected_and_names_it(body: dict[str, Any], names: str) -> None:
    error = error_from(ok(body, 200, **{"X-Request-Id": "r-3"}))

    assert type(error) is UnexpectedResponse
    assert f"'{names}'" in str(error)
    assert (error.status, error.request_id) == (200, "r-3")


@pytest.mark.parametrize("content", [b"", b"<html>Jane</html>", b"[]", b"null", b"\xff\xfe", NESTED])
def test_an_answer_that_is_no_object_is_unexpected(content: bytes) -> None:
    error = error_from(httpx.Response(200, content=content))
    assert type(error) is UnexpectedResponse
    assert "Jane" not in str(error)


def compressed_in_no_way() -> httpx.Response:
    """A response that says that it is compressed, and is not; that shows only when it is read."""
    return httpx.Response(200, stream=httpx.ByteStream(b"{}"), headers={"Content-Encoding": "gzip"})


def test_an_answer_that_is_not_compressed_as_it_says_is_unexpected_in_both_clients() -> None:
    script = Script(compressed_in_no_way(), compressed_in_no_way())
    with pytest.raises(UnexpectedResponse, match="cannot be read") as caught:
        script.client().predict(PNG)
    with pytest.raises(UnexpectedResponse, match="cannot be read"):
        asyncio.run(script.async_client().predict(PNG))
    assert isinstance(caught.value.__cause__, httpx.DecodingError)
    assert script.waited == []


@pytest.mark.parametrize("image", ["", "no base64!", "bm8gcGljdHVyZQ==", 7])
def test_an_image_in_an_answer_that_is_none_is_unexpected(image: object) -> None:
    for call, body in (
        (Client.analyze, with_(ANALYZED, None, "gradcam")),
        (Client.gradcam, with_(EXPLAINED, image, "images", "overlay")),
        (Client.analyze, with_(ANALYZED, image, "gradcam", "images", "overlay")),
    ):
        with pytest.raises(UnexpectedResponse):
            call(Script(ok(body)).client(), PNG)


def test_what_is_said_of_the_model_is_checked_too() -> None:
    for body in (
        with_(MODEL_INFO, ["x"], "input_shape"),
        without(MODEL_INFO, "conv_layers"),
        with_(MODEL_INFO, {}, "risk_bands"),
        with_(MODEL_INFO, ["high"], "risk_bands"),
        with_(MODEL_INFO, [{"id": "high", "minimum": "0.5", "label": "", "recommendation": ""}], "risk_bands"),
        with_(MODEL_INFO, [{"id": "high"}], "risk_bands"),
    ):
        with pytest.raises(UnexpectedResponse):
            Script(ok(body)).client().model_info()
    with pytest.raises(UnexpectedResponse):
        Script(ok(without(HEALTHY, "version"))).client().health()


def test_no_error_tells_the_name_of_the_image(tmp_path: Path) -> None:
    # GIVEN an image whose name is a patient's
    (tmp_path / "Jane-Doe.png").write_bytes(PNG)
    for response in (httpx.Response(422), problem(415, "no", "No image."), httpx.ReadError("no"), ok({})):
        # WHEN it gets no result
        script = Script(response)
        with pytest.raises(ThyroidAPIError) as caught:
            script.client(retries=0).predict(tmp_path / "Jane-Doe.png")
        # THEN neither the error nor what was sent tells the name
        assert "Jane" not in repr(caught.value)
        sent = script.requests[0]
        assert "Jane" not in f"{sent.url} {sent.headers}"


@pytest.mark.parametrize(
    "error",
    [
        BadImage("No.", status=422, problem={"code": "unreadable_image"}, request_id="r-1"),
        TooManyRequests("Less often.", status=429, retry_after=30.0),
        NotReady("Not yet.", upload_id="abc", retry_after=2.0),
    ],
)
def test_an_error_crosses_to_another_process(error: ThyroidAPIError) -> None:
    other = pickle.loads(pickle.dumps(error))
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert vars(other) == vars(error)
