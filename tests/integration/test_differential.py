"""One corpus of requests to a laptop's server and through the gateway to the functions: the same answers.

Both are sent the same bytes. What differs by design is named here, case by case, with its reason.
"""

import base64
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple

import pypdf
import pytest

from tests import corpus, deployed as deployed_, wire
from tests.corpus import API, LINK, PNG, UPLOADS, as_json, post
from tests.gateway import EVENT_LIMIT, Answer, Gateway, Pairs, Request
from tests.server import lines_of, local_server
from thyroid.s3.link import new_id
from thyroid.web.page import files, release_of

GATEWAY = Gateway()

# Of any one request, on a machine that has other things to do, and of a server that was sent all of them.
MAX_MS, MAX_MIB = 5_000, 512

# Of the servers, or of the moment.
NOT_OF_THE_ANSWER = {"date", "server", "connection", "x-request-id"}
OF_THE_MOMENT = (
    (re.compile(r'"(timestamp|expires)": ?"[^"]*"'), r'"\1":"then"'),
    (re.compile(r'"request_id": ?"[^"]*"'), '"request_id":"one"'),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{32}"), "an-upload"),
    (re.compile(r'"(policy|x-amz-signature|x-amz-date|x-amz-credential)": ?"[^"]*"'), r'"\1":"signed"'),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "then"),
)


class Ways(NamedTuple):
    """Addresses of both."""

    laptop: str
    deployed: str


@pytest.fixture(scope="module")
def ways(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ways]:
    printed, told = tmp_path_factory.mktemp("servers"), deployed_.ENVIRONMENT
    with (
        local_server(printed / "laptop.txt", "tests.deployed:app", SERVED="functions.local:app", **told) as laptop,
        local_server(printed / "deployed.txt", "tests.deployed:app", SERVED="tests.gateway:app", **told) as deployed,
    ):
        yield Ways(laptop, deployed)
        for name in ("laptop.txt", "deployed.txt"):
            check_bounds((printed / name).read_text())


def check_bounds(printed: str) -> None:
    """Look at what a server printed: nothing took long, nothing was unforeseen, and little memory was used."""
    told = lines_of(printed)
    requests = [line for line in told if line.get("message") == "request"]
    assert max(line["duration_ms"] for line in requests) < MAX_MS
    assert [line for line in told if line.get("message") == "unexpected error" or "function failed" in line] == []
    started = re.search(r"Started server process \[(\d+)\]", printed)
    status = Path(f"/proc/{started[1]}/status") if started else None
    if status and status.is_file():  # Linux
        (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())
        assert int(peak) / 1024 < MAX_MIB


def comparable(answer: Answer) -> dict[str, Any]:
    """Return an answer without what is of the moment."""
    headers = {(name.lower(), value) for name, value in answer.headers if name.lower() not in NOT_OF_THE_ANSWER}
    body: str | bytes = answer.body
    if answer.body.startswith(b"%PDF"):  # its time is packed
        headers = {(name, value) for name, value in headers if name != "content-length"}
        body = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.body)).pages)
    elif not answer.body.startswith(b"\xff\xd8"):
        body = answer.body.decode()
    if isinstance(body, str):
        for pattern, stead in OF_THE_MOMENT:
            body = pattern.sub(stead, body)
    return {"status": answer.status, "headers": sorted(headers), "body": body}


def check_same(laptop: Answer, deployed: Answer) -> None:
    assert comparable(deployed) == comparable(laptop)
    check_answer(laptop)
    identifiers = [dict(answer.headers)["x-request-id"] for answer in (laptop, deployed)]
    assert len(set(identifiers)) == 2


def check_answer(answer: Answer) -> None:
    """What is no success is one of ours, typed, and no fault."""
    headers = {name.lower(): value for name, value in answer.headers}
    assert answer.status < 500, answer.body
    if answer.status >= 400:
        assert headers["content-type"] == "application/problem+json", answer.body
        told = json.loads(answer.body)
        assert told["status"] == answer.status
        assert told["type"] == f"urn:thyroid:problem:{told['code']}"


def by_name(*corpora: Iterator[tuple[str, Request]]) -> pytest.MarkDecorator:
    cases = [case for each in corpora for case in each]
    assert len({name for name, _ in cases}) == len(cases)
    return pytest.mark.parametrize("request_", [pytest.param(request, id=name) for name, request in cases])


@by_name(corpus.sound())
def test_a_request_is_answered_alike(ways: Ways, request_: Request) -> None:
    laptop, deployed = (wire.send(way, request_) for way in ways)

    assert laptop.status < 400, laptop.body
    check_same(laptop, deployed)


@by_name(corpus.hostile(), corpus.at_the_limits())
def test_what_nobody_should_send_is_answered_alike(ways: Ways, request_: Request) -> None:
    check_same(*(wire.send(way, request_) for way in ways))


@by_name(corpus.chunked())
def test_a_body_without_a_length_is_answered_as_one_with_it(ways: Ways, request_: Request) -> None:
    with_length = wire.send(ways.laptop, request_)

    for way in ways:
        assert comparable(wire.send(way, request_, chunked=True)) == comparable(with_length)


def test_every_layer_is_explained_alike(ways: Ways) -> None:
    info = json.loads(wire.send(ways.laptop, Request("GET", f"{API}/model-info")).body)

    for layer in info["conv_layers"]:
        request = post(f"{API}/gradcam", as_json(layer_name=layer))
        check_same(*(wire.send(way, request) for way in ways))


def test_a_link_is_waited_for_alike(ways: Ways) -> None:
    results = [json.loads(wire.send(way, post(UPLOADS, LINK)).body)["result"] for way in ways]

    waiting = [wire.send(way, Request("GET", result)) for way, result in zip(ways, results, strict=True)]

    assert [answer.status for answer in waiting] == [202, 202]
    check_same(*waiting)


def test_a_link_that_ended_is_waited_for_no_longer_by_both(ways: Ways) -> None:
    check_same(*(wire.send(way, Request("GET", f"{UPLOADS}/{new_id(0)}")) for way in ways))


def test_the_largest_event_is_answered_alike(ways: Ways) -> None:
    for missing in (1, 0):
        check_same(*(wire.send(way, request_whose_event_has(EVENT_LIMIT - missing)) for way in ways))


def request_whose_event_has(size: int) -> Request:
    """Return a request of JSON for which the gateway calls a function with so many bytes."""
    short = post(f"{API}/predict", as_json())
    padded = replace(short, body=short.body.ljust(len(short.body) + size - size_of_event(short)))
    # The length of the body is a header, too.
    return replace(padded, body=padded.body[: len(padded.body) + size - size_of_event(padded)])


def size_of_event(request: Request) -> int:
    """Return it as it will be of the request as it is sent over the wire."""
    sent = wire.with_headers(request)
    return GATEWAY.size_of_event(replace(sent, headers=tuple((name.lower(), value) for name, value in sent.headers)))


# --- what differs, and why --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "JANE"])
@pytest.mark.parametrize("path", ["/", "/docs", "/app", f"{API}/health", f"{API}/predict", f"{UPLOADS}/x"])
def test_a_method_that_is_none_is_an_address_that_is_none_to_the_gateway(ways: Ways, method: str, path: str) -> None:
    """It has one kind of refusal for both (docs/before-production.md); a laptop says which methods there are."""
    laptop, deployed = (wire.send(way, Request(method, path)) for way in ways)

    assert laptop.status == 405
    assert dict(laptop.headers)["allow"] in {"GET", "POST"}
    if method == "OPTIONS" and path.startswith("/api"):  # which goes to the function, for browsers ask by it
        check_same(laptop, deployed)
    else:
        assert deployed.status == 404
    if method != "HEAD":  # which has no body
        check_answer(laptop)
        check_answer(deployed)


@pytest.mark.parametrize(
    "path", ["/nowhere", "/api/v1", "/api/v2/predict", "//docs", "/docs/a/b", "/app/x", "/%00", "/%C3%A9"]
)
def test_an_address_that_is_none_has_the_same_code_but_another_sentence(ways: Ways, path: str) -> None:
    """The gateway's sentence is the template's, since no function is asked."""
    laptop, deployed = (wire.send(way, Request("GET", path)) for way in ways)

    for answer in (laptop, deployed):
        check_answer(answer)
        assert (answer.status, json.loads(answer.body)["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/%64ocs", "/api/v1/%68ealth"])
def test_a_letter_that_is_escaped_without_need_may_be_another_address_to_the_gateway(ways: Ways, path: str) -> None:
    """How it reads one is its own matter, and nobody's client writes one."""
    laptop, deployed = (wire.send(way, Request("GET", path)) for way in ways)

    assert (laptop.status, deployed.status) == (200, 404)
    check_answer(deployed)


def test_browsers_ask_beforehand_only_at_endpoints(ways: Ways) -> None:
    """The template has an OPTIONS for `/api/` alone: nobody posts to a page."""
    asked = (("Origin", "https://a"), ("Access-Control-Request-Method", "GET"))
    laptop, deployed = (wire.send(way, Request("OPTIONS", "/docs", asked)) for way in ways)

    assert (laptop.status, deployed.status) == (200, 404)
    check_answer(deployed)


@pytest.mark.parametrize("byte", [b"\xff", b"\xed\xa0\x80", "é".encode("latin-1")])
def test_bytes_in_json_that_are_no_text_are_lost_in_the_gateway(ways: Ways, byte: bytes) -> None:
    """A body that is not of a binary type is a string of the event, and no string holds them; a laptop refuses them."""
    request = post(f"{API}/predict", as_json()[:-1] + b', "filename": "' + byte + b'"}')
    laptop, deployed = (wire.send(way, request) for way in ways)

    check_answer(laptop)
    assert (laptop.status, deployed.status) == (422, 200)
    assert set(json.loads(deployed.body)["filename"]) == {"\N{REPLACEMENT CHARACTER}"}


@pytest.mark.parametrize(
    "accept", [(), (("Accept", "*/*"),), (("Accept", "text/html,application/pdf"),)], ids=["nothing", "all", "another"]
)
def test_a_report_in_pdf_has_to_be_asked_for_behind_the_gateway(ways: Ways, accept: Pairs) -> None:
    """It would send base64 under a PDF's name (README, ARCHITECTURE); on a laptop is no gateway."""
    laptop, deployed = (wire.send(way, post(f"{API}/report/pdf", PNG, "image/png", *accept)) for way in ways)

    assert laptop.body.startswith(b"%PDF")
    assert deployed.status == 406
    check_answer(deployed)


def test_the_pages_sample_is_base64_to_who_does_not_ask_for_its_type(ways: Ways) -> None:
    """The gateway gives bytes only to who names their type first in `Accept`, as the page does (ARCHITECTURE)."""
    request = Request("GET", f"/app/{release_of(files())}/phantom.jpg")
    laptop, deployed = (wire.send(way, request) for way in ways)

    assert base64.b64decode(deployed.body, validate=True) == laptop.body


@by_name(corpus.packed())
def test_a_packed_body_is_unpacked_by_the_gateway_and_by_no_laptop(ways: Ways, request_: Request) -> None:
    """It inflates gzip and deflate before it calls a function (developer guide); a laptop reads the bytes that came."""
    laptop, deployed = (wire.send(way, request_) for way in ways)

    assert deployed.status < 300, deployed.body
    assert laptop.status in {415, 422}
    check_answer(laptop)


@by_name(corpus.misnamed())
def test_a_coding_that_the_gateway_does_not_know_is_refused_with_a_code_of_ours(ways: Ways, request_: Request) -> None:
    """It never asks a function; a laptop passes over the header."""
    laptop, deployed = (wire.send(way, request_) for way in ways)

    assert laptop.status < 300, laptop.body
    assert (deployed.status, json.loads(deployed.body)["code"]) == (415, "unsupported_media_type")
    check_answer(deployed)


def test_a_semicolon_in_a_query_parts_it_for_the_gateway(ways: Ways) -> None:
    """Documented of the gateway; WHATWG's forms, and so a laptop, know `&` alone."""
    laptop, deployed = (wire.send(way, post(f"{API}/predict?filename=a;b", PNG, "image/png")) for way in ways)

    assert [json.loads(answer.body)["filename"] for answer in (laptop, deployed)] == ["a;b", "a"]


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(lambda: request_whose_event_has(EVENT_LIMIT + 1), id="an event of a byte more"),
        pytest.param(lambda: post(f"{API}/predict", bytes(10_485_761), "image/png"), id="more than the gateway takes"),
    ],
)
def test_what_no_function_can_be_called_with_is_refused_by_the_gateway_with_the_same_code(
    ways: Ways, request_: Callable[[], Request]
) -> None:
    laptop, deployed = (wire.send(way, request_()) for way in ways)

    for answer in (laptop, deployed):
        check_answer(answer)
        assert (answer.status, json.loads(answer.body)["code"]) == (413, "payload_too_large")


def test_base64_in_lines_takes_more_of_an_event_so_a_laptop_takes_some_that_the_gateway_does_not(ways: Ways) -> None:
    """Named in `thyroid.settings`: a line's end is four bytes of JSON, and six of JSON in JSON."""
    image = base64.b64encode(PNG.ljust(4_435_000, b"\0")).decode("ascii")
    lines = "\r\n".join(image[start : start + 76] for start in range(0, len(image), 76))
    request = post(f"{API}/predict", json.dumps({"image": lines}).encode())
    laptop, deployed = (wire.send(way, request) for way in ways)

    assert (laptop.status, deployed.status) == (200, 413)
    check_answer(deployed)


def test_more_headers_than_the_gateway_takes_are_its_own_to_refuse(ways: Ways) -> None:
    """It takes 10,240 bytes of them; a laptop's server takes more."""
    request = Request("GET", f"{API}/health", (("X-Long", "x" * 10_240),))
    laptop, deployed = (wire.send(way, request) for way in ways)

    assert (laptop.status, deployed.status) == (200, 400)
    check_answer(deployed)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /api/v1/health HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nbroken header\r\n\r\n",
        b"POST /api/v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /api/v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"POST /api/v1/predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST /api/v1/predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["no host", "nonsense", "TLS", "a header", "negative", "two lengths", "no number", "gzip", "chunks"],
)
def test_what_is_no_http_never_reaches_the_application_and_leaves_it_well(ways: Ways, sent: bytes) -> None:
    """The server before it says so: Uvicorn on a laptop, the gateway itself in AWS. Neither repeats what was sent."""
    answer = wire.send_bytes(ways.laptop, sent)

    assert 400 <= answer.status < 500, answer.body
    assert len(answer.body) < 300
    assert wire.send(ways.laptop, Request("GET", f"{API}/health")).status == 200


@pytest.mark.parametrize("told", ["100000", "5"], ids=["more", "less"])
def test_a_length_that_is_wrong_harms_nobody_but_its_sender(ways: Ways, told: str) -> None:
    """A body is as long as it says: of more nothing is read, and for less nobody is answered, since nobody listens."""
    request = post(f"{API}/predict", PNG, "image/png", ("Content-Length", told))

    if told == "5":
        check_answer(wire.send(ways.laptop, request))
    else:
        with pytest.raises((ConnectionError, HTTPException)):
            wire.send_and_leave(ways.laptop, request)
    assert wire.send(ways.laptop, post(f"{API}/predict", PNG, "image/png")).status == 200


def test_without_buckets_a_laptop_gives_links_to_itself_and_a_function_none(server: tuple[str, Path]) -> None:
    """What is written for a deployed service works on a laptop (`functions.local_uploads`)."""
    local = wire.send(server[0], post(UPLOADS, LINK))
    deployed = GATEWAY.answer(post(UPLOADS, LINK))

    assert (local.status, deployed.status) == (201, 501)
    assert json.loads(deployed.body)["code"] == "uploads_unavailable"
