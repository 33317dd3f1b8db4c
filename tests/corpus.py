"""Requests of every kind: those that a client sends, and those that nobody should. What they are to be answered is
said by the tests that send them.
"""

import base64
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from urllib.parse import quote

from PIL import Image

from functions.endpoints import ENDPOINTS
from tests.endpoints import GET_PATHS, IMAGE_NAMES
from tests.gateway import Pairs, Request
from tests.images import image_file
from thyroid import phantom
from thyroid.core.formats import MEDIA_TYPES
from thyroid.settings import Settings
from thyroid.web.docs import ASSET_TYPES
from thyroid.web.page import PAGE, files, release_of

API = "/api/v1"
UPLOADS = f"{API}/uploads"
PDF = ("Accept", "application/pdf")
PNG = image_file()
ENCODED = base64.b64encode(PNG).decode("ascii")
LINK = b'{"content_type": "image/png"}'
LIMITS = Settings()


@cache
def scan(kind: str = "PNG") -> bytes:
    """A small frame that looks like ultrasound, as a file."""
    buffer = io.BytesIO()
    Image.fromarray(phantom.make(1, suspicious=True, height=120, width=180)).save(buffer, kind)
    return buffer.getvalue()


def post(path: str, body: bytes, content_type: str | None = "application/json", *headers: tuple[str, str]) -> Request:
    """Make a request that sends something."""
    told: Pairs = (("Content-Type", content_type), *headers) if content_type is not None else headers
    return Request("POST", path, told, body)


def as_json(data: bytes = PNG, **fields: object) -> bytes:
    return json.dumps({"image": base64.b64encode(data).decode("ascii"), **fields}).encode()


def form(*parts: tuple[str, bytes], boundary: str = "x") -> tuple[bytes, str]:
    """Make a multipart form of parts, each the rest of its Content-Disposition and what is in it."""
    made = b"".join(
        f"--{boundary}\r\nContent-Disposition: form-data; {told}\r\n\r\n".encode() + data + b"\r\n"
        for told, data in parts
    )
    return made + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def sound() -> Iterator[tuple[str, Request]]:
    """Requests as clients send them, by what is said of them: every address, every kind of body."""
    for path in GET_PATHS:
        yield f"GET {path}", Request("GET", path)
    for name in ASSET_TYPES:
        yield f"GET /docs/{name}", Request("GET", f"/docs/{name}")
    release = release_of(files())
    for name in files():
        accept = (("Accept", "image/jpeg"),) if name.endswith(".jpg") else ()
        if name != PAGE:
            yield f"GET the page's {name}", Request("GET", f"/app/{release}/{name}", accept)
    yield "a file of another release", Request("GET", "/app/old/main.js")
    yield "a page that is known", Request("GET", "/app", (("If-None-Match", files()[PAGE].tag),))
    for name in IMAGE_NAMES:
        path = f"{API}/{name}"
        more = [PDF] if name == "report/pdf" else []
        fields = {"filename": "scan é.png"} | ({"target": "benign", "size": 99} if name != "predict" else {})
        query = "&".join(f"{key}={quote(str(value))}" for key, value in fields.items())
        yield f"{name}: JSON", post(path, as_json(scan(), **fields), "application/json", *more)
        uri = json.dumps({"image": f"data:image/png;base64,{ENCODED}", "filename": None})
        yield f"{name}: a data URI", post(path, uri.encode(), "application/json", *more)
        yield f"{name}: no content type", post(path, as_json(), None, *more)
        yield f"{name}: another JSON", post(path, as_json(), "application/vnd.thyroid+json; charset=utf-8", *more)
        yield f"{name}: an image", post(f"{path}?{query}", scan("JPEG"), "image/jpeg", *more)
        as_fields = [(f'name="{key}"', str(value).encode()) for key, value in fields.items()]
        body, kind = form(('name="image"; filename="b.png"', scan()), *as_fields)
        yield f"{name}: a form", post(path, body, kind, *more)
        body, kind = form(('name="image"', ENCODED.encode()), ('name="size"', b""))
        yield f"{name}: a form of base64", post(path, body, kind, *more)
    for kind in (*MEDIA_TYPES, "Image/PNG", "image/png; q=1"):
        yield f"as {kind}", post(f"{API}/predict", PNG, kind)
    yield "without the maps", post(f"{API}/analyze", as_json(include_gradcam=False))
    yield "a report with its images", post(f"{API}/report/json", as_json(include_gradcam=True))
    yield "a link", post(UPLOADS, LINK)
    yield "a link for a size", post(UPLOADS, b'{"content_type": "image/jpeg", "size": 20000000}')
    for path in (endpoint.path.replace("{id}", "x") for endpoint in ENDPOINTS):
        asked = (("Origin", "https://a.example"), ("Access-Control-Request-Method", "POST"))
        yield f"a preflight to {path}", Request("OPTIONS", path, asked)
    headers = ("Access-Control-Request-Headers", "content-type, x-api-key")
    yield "a preflight that names headers", Request("OPTIONS", f"{API}/predict", (*asked, headers))
    browser = (("Origin", "https://a.example"), ("Cookie", "a=b; c=d"), ("Referer", "https://a.example/x"))
    yield "a browser's GET", Request("GET", f"{API}/health", browser)
    yield "a browser's POST", post(f"{API}/predict", as_json(), "application/json", *browser)


def hostile_json() -> Iterator[tuple[str, bytes]]:
    """Bodies that say they are JSON."""
    yield "nothing", b""
    yield "spaces", b" \r\n\t "
    for text in ("null", "true", "0", "[]", '"text"', "{}", "{", '{"image"', '{"image": null}', '{"image": 3}', "'"):
        yield text, text.encode()
    yield "two values", b"{}{}"
    yield "a comment", b'{"image": "AAAA" /* no */}'
    yield "a comma too many", b'{"image": "AAAA",}'
    yield "a control character", b'{"image": "AA\x00AA"}'
    yield "a newline in a text", b'{"image": "AA\nAA"}'
    for depth in (100, 200, 1_000, 100_000):
        nested = b"[" * depth + b"]" * depth
        yield f"{depth} lists in an unknown field", b'{"image": "' + ENCODED.encode() + b'", "x": ' + nested + b"}"
    yield "only brackets", b"[" * 1_000_000
    yield "only opened objects", b'{"a":' * 200_000
    yield "the image twice, the latter one sound", b'{"image": "no", "image": "' + ENCODED.encode() + b'"}'
    yield "the image twice, the former one sound", b'{"image": "' + ENCODED.encode() + b'", "image": "no"}'
    yield "a field twice", as_json()[:-1] + b', "filename": "a", "filename": "b"}'
    yield "a field twice, once escaped", as_json()[:-1] + b', "filename": "a", "f\\u0069lename": "b"}'
    for number in ("NaN", "Infinity", "-Infinity", "1e999", "-0", "1.0", "64.5", "9" * 5_000, "1e" + "9" * 400, "0x40"):
        yield f"a size of {number[:9]}", as_json()[:-1] + b', "size": ' + number.encode() + b"}"
        yield f"an unknown field of {number[:9]}", as_json()[:-1] + b', "x": ' + number.encode() + b"}"
    for name, text in (("high", r"\ud800"), ("low", r"\udc00"), ("reversed", r"\udc00\ud800"), ("cut", r"\ud8")):
        yield f"a {name} surrogate as a value", as_json()[:-1] + f', "filename": "{text}"}}'.encode()
        yield f"a {name} surrogate as a key", as_json()[:-1] + f', "{text}": 1}}'.encode()
        yield f"a {name} surrogate as the image", f'{{"image": "{text}"}}'.encode()
    yield "a pair of surrogates", as_json()[:-1] + rb', "filename": "\ud83e\udd8b"}'
    yield "a byte order mark", b"\xef\xbb\xbf" + as_json()
    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        yield encoding, as_json().decode().encode(encoding)
    yield "very many fields", json.dumps({"image": ENCODED, **{f"f{n}": n for n in range(50_000)}}).encode()
    yield "a very long key", json.dumps({"image": ENCODED, "k" * 1_000_000: 1}).encode()
    yield "a very long value", as_json(filename="n" * 1_000_000)
    yield "a very long layer", as_json(layer_name="n" * 1_025)
    yield "a layer that is none", as_json(layer_name="conv2d_99")
    yield "all options wrong", as_json(filename=1, layer_name=[], target={}, size="x", include_gradcam="maybe")


def hostile() -> Iterator[tuple[str, Request]]:
    """Requests that nobody should send, by what is said of them."""
    for name, body in hostile_json():
        for endpoint in ("predict", "report/json"):
            yield f"{endpoint}: {name}", post(f"{API}/{endpoint}", body)
        yield f"uploads: {name}", post(UPLOADS, body)
    predict, gradcam = f"{API}/predict", f"{API}/gradcam"
    # What it is encoded as
    for charset in ("utf-8", "UTF-8", "latin-1", "utf-16", "utf-7", "idna", "nonsense", '"', ""):
        yield f"JSON in {charset!r}", post(predict, as_json(), f"application/json; charset={charset}")
        body, kind = form(('name="image"; filename="a.png"', PNG))
        yield f"a form in {charset!r}", post(predict, body, f"{kind}; charset={charset}")
    yield "a coding that is none", post(predict, PNG, "image/png", ("Content-Encoding", "identity"))
    for kind in (
        "",
        " ",
        ";",
        "/",
        "image/png,image/png",
        "image/*",
        "text/plain",
        "multipart/mixed; boundary=x",
        "*/*",
    ):
        yield f"an image as {kind!r}", post(predict, PNG, kind)
    twice = (("Content-Type", "image/png"), ("Content-Type", "application/json"))
    yield "JSON, a text", post(predict, as_json(), "text/json")
    # Forms
    part = 'name="image"; filename="a.png"'
    for name, parts in {
        "two images": [(part, PNG), (part, PNG)],
        "no image": [('name="other"', b"x")],
        "no name": [("", PNG)],
        "an empty image": [(part, b"")],
        "an empty name of a file": [('name="image"; filename=""', PNG)],
        "very many fields": [(part, PNG), *((f'name="f{n}"', b"x") for n in range(100))],
        "very many files": [(part, PNG), *((f'name="f{n}"; filename="f"', b"x") for n in range(20))],
        "a field twice": [(part, PNG), ('name="filename"', b"a"), ('name="filename"', b"b")],
        "a name in another way": [("name=\"image\"; filename*=UTF-8''%e2%82%ac.png", PNG)],
        "a field that is no text": [(part, PNG), ('name="filename"', b"\xff\xfe")],
        "a path for a name": [('name="image"; filename="../../etc/passwd"', PNG)],
    }.items():
        yield f"a form with {name}", post(predict, *form(*parts))
    whole = form((part, PNG))[0]
    yield "a form with a name that is no text", post(predict, whole.replace(b"a.png", b"\xff\xfe.png"), form()[1])
    yield "a form that is cut off", post(predict, whole[:-30], form()[1])
    yield "a form without a boundary", post(predict, whole, "multipart/form-data")
    yield "a form of another boundary", post(predict, whole, "multipart/form-data; boundary=y")
    yield "a form of an endless boundary", post(predict, whole, "multipart/form-data; boundary=" + "b" * 5_000)
    yield "a form of JSON", post(predict, as_json(), form()[1])
    yield "no form at all", post(predict, b"", form()[1])
    # Queries
    for query in (
        "filename=a&filename=b",
        "size=64&size=65",
        "size=64&size=x",
        "filename",
        "filename=",
        "=x",
        "&&&",
        "filename=%",
        "filename=%zz",
        "filename=%ff",
        "filename=%00",
        "filename=%ed%a0%80",
        "filename=a+b%2Bc",
        "filename=a=b",
        "filename=%26%3D%3B",
        "FILENAME=x&Size=1",
        "size=%F0%9D%9F%9C%F0%9D%9F%9C",
        "size=" + "9" * 5_000,
        "size=1e2",
        "size=+64",
        "size=%2064",
        "size=-64",
        "size=64.0",
        "target=BENIGN",
        "layer_name=" + "n" * 2_000,
        "image=AAAA",
        "unknown[]=1&unknown[x]=2",
    ):
        yield f"?{query[:40]}", post(f"{gradcam}?{query}", PNG, "image/png")
    yield "a query on JSON", post(f"{gradcam}?size=x&filename=b", as_json(filename="a"))
    yield "a query on a form", post(f"{gradcam}?size=x", *form((part, PNG)))
    for path in GET_PATHS:
        yield f"a query on {path}", Request("GET", f"{path}?x=1&x=2&filename=%ff")
    # Headers
    yield "two content types", Request("POST", predict, twice, PNG)
    yield "two content types of JSON", Request("POST", predict, (twice[1], twice[1]), as_json())
    twice = (("Content-Type", form()[1]), ("Content-Type", form(boundary="y")[1]))
    yield "two boundaries", Request("POST", predict, twice, form((part, PNG))[0])
    yield "a header twice", post(predict, PNG, "image/png", ("X-A", "1"), ("X-A", "2"), ("x-a", "3"))
    yield "an empty header", post(predict, PNG, "image/png", ("X-A", ""))
    yield "a header of letters", post(predict, PNG, "image/png", ("X-A", "é 甲"), ("User-Agent", "é"))
    yield "an origin of letters", Request("GET", f"{API}/health", (("Origin", "https://é.example"),))
    yield "two origins", Request("GET", f"{API}/health", (("Origin", "https://a"), ("Origin", "https://b")))
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        yield f"{name}: a POST", post(predict, PNG, "image/png", (name, "DELETE"))
        yield f"{name}: a GET", Request("GET", f"{API}/health", ((name, "POST"),))
    yield "a method in the query", post(f"{predict}?_method=DELETE", PNG, "image/png")
    for header in (
        ("Range", "bytes=0-9"),
        ("Range", "bytes=9-0"),
        ("Range", "bytes=99999999-"),
        ("If-Range", "x"),
        ("If-Modified-Since", "Thu, 01 Jan 2099 00:00:00 GMT"),
        ("If-None-Match", "*"),
        ("Accept", "nothing/at-all"),
        ("Accept-Encoding", "gzip"),
        ("Accept-Charset", "utf-16"),
        ("Expect", "nothing"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Forwarded-Proto", "ftp"),
        ("X-Forwarded-Port", "x"),
        ("X-Request-Id", "chosen"),
        ("X-Amzn-Trace-Id", "Root=x"),
        ("Authorization", "Basic x"),
    ):
        for path in ("/docs/swagger-ui.css", f"{API}/health"):
            yield f"{header[0]}: {header[1]} to {path}", Request("GET", path, (header,))
    yield (
        "an answer of bytes that takes another",
        post(f"{API}/report/pdf", PNG, "image/png", ("Accept", "Application/PDF")),
    )
    # Addresses
    for path in (
        "/docs/",
        "/app/",
        f"{API}/health/",
        "/docs/%73wagger-ui.css",
        "/docs/swagger-ui.css%00",
        "/docs/%2e%2e",
        "/docs/..%2fsite.py",
        "/docs/%2e%2e%2fsite.py",
        "/docs/.%252e",
        "/docs/none.js",
        "/docs/%C3%A9",
        "/docs/%ff",
        "/docs/%",
        "/docs/a;b",
        "/app/x/none.js",
        "/app/x/index.html",
        "/app/%2e/main.js",
        "/app/x%2Fy/main.js",
        f"{UPLOADS}/x",
        f"{UPLOADS}/%2e%2e%2fresults",
        f"{UPLOADS}/{'0' * 8}-{'0' * 31}",
        f"{UPLOADS}/{'f' * 8}-{'0' * 33}",
        f"{UPLOADS}/%ED%A0%80",
        f"{UPLOADS}/{'%C3%A9' * 500}",
    ):
        yield f"GET {path[:60]}", Request("GET", path)
    yield "a body on a GET", Request("GET", f"{API}/health", (("Content-Type", "application/json"),), as_json())
    yield "an image on a GET", Request("GET", f"{API}/model-info", (("Content-Type", "image/png"),), PNG)
    yield "a large body on a GET", Request("GET", f"{API}/health", (), bytes(1_000_000))
    # A preflight that is none, or asks for what is not given
    yield "OPTIONS of nobody", Request("OPTIONS", predict)
    yield "OPTIONS of an origin", Request("OPTIONS", predict, (("Origin", "https://a"),))
    yield "OPTIONS of a method", Request("OPTIONS", predict, (("Access-Control-Request-Method", "POST"),))
    for method in ("DELETE", "post", "", "é"):
        asked = (("Origin", "https://a"), ("Access-Control-Request-Method", method))
        yield f"a preflight for {method!r}", Request("OPTIONS", predict, asked)
    asked = (("Origin", "https://a"), ("Access-Control-Request-Method", "POST"))
    yield "a preflight of letters", Request("OPTIONS", predict, (*asked, ("Access-Control-Request-Headers", "é, 甲")))
    private = ("Access-Control-Request-Private-Network", "true")
    yield "a preflight of a private network", Request("OPTIONS", predict, (*asked, private))


def at_the_limits() -> Iterator[tuple[str, Request]]:
    """Bodies of just the largest size, of one byte less, and of one byte more."""
    predict = f"{API}/predict"
    for change in (-1, 0, 1):
        size = LIMITS.max_binary_body_bytes + change
        yield f"an image, {change:+} bytes", post(predict, PNG.ljust(size, b"\0"), "image/png")
        bare = len(form(('name="image"; filename="a.png"', b""))[0])
        body, kind = form(('name="image"; filename="a.png"', PNG.ljust(size - bare, b"\0")))
        yield f"a form, {change:+} bytes", post(predict, body, kind)
        yield (
            f"JSON, {change:+} bytes",
            post(predict, as_json().ljust(LIMITS.max_body_bytes + change), "application/json"),
        )
        yield f"a link, {change:+} bytes", post(UPLOADS, LINK.ljust(LIMITS.max_body_bytes + change))


def packed() -> Iterator[tuple[str, Request]]:
    """Bodies in a coding that the gateway knows."""
    for coding, pack in (("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress)):
        yield from _in_coding(coding, pack)


def misnamed() -> Iterator[tuple[str, Request]]:
    """Bodies that are in no coding, under the name of one."""
    for coding in ("gzip", "br"):
        yield from _in_coding(coding, bytes)


def _in_coding(coding: str, pack: Callable[[bytes], bytes]) -> Iterator[tuple[str, Request]]:
    told, predict = ("Content-Encoding", coding), f"{API}/predict"
    data, kind = form(('name="image"; filename="a.png"', PNG))
    yield f"JSON in {coding}", post(predict, pack(as_json()), "application/json", told)
    yield f"an image in {coding}", post(predict, pack(PNG), "image/png", told)
    yield f"a form in {coding}", post(predict, pack(data), kind, told)
    yield f"a link in {coding}", post(UPLOADS, pack(LINK), "application/json", told)


def chunked() -> Iterator[tuple[str, Request]]:
    """Requests that can be sent in pieces."""
    predict = f"{API}/predict"
    yield "JSON", post(predict, as_json())
    yield "an image", post(predict, PNG, "image/png")
    yield "a form", post(predict, *form(('name="image"; filename="a.png"', PNG)))
    yield "a link", post(UPLOADS, LINK)
    yield "nothing", post(predict, b"")
    yield "nothing of an image", post(predict, b"", "image/png")
    yield "broken JSON", post(predict, b"[" * 50_000)
    yield "a body on a GET", Request("GET", f"{API}/health", (), PNG)
    for name, request in at_the_limits():
        if not name.endswith(" -1 bytes"):
            yield name, request
