"""A patient's name in every place that a request or an image has for one, and a search for it in whatever form."""

import base64
import json
import struct
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote

from PIL import Image, PngImagePlugin
from PIL.ExifTags import IFD, Base
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from functions.endpoints import PREFIX
from tests.corpus import API, UPLOADS, form
from tests.endpoints import GET_PATHS, POST_PATHS
from tests.gateway import Pairs, Request
from tests.hostile import png
from tests.images import image_file

NAME = "Jane-Doe"
DIRECTORIES = {IFD.Exif: 0x9000, IFD.GPSInfo: 0x0000}  # and the tag that says their version

# Text tags of a TIFF, and of EXIF, which is one: description, maker, model, software, artist, host, copyright, owner,
# camera's and lens's names and numbers, names of document and page, what Windows and XMP and IPTC and Photoshop add.
TEXTS = (269, 270, 271, 272, 285, 305, 306, 315, 316, 33432)
EXIF_TEXTS = (36867, 42016, 42032, 42033, 42035, 42036, 42037, 36880)
GPS_TEXTS = (18, 29)
BYTES = (700, 33723, 34377, 40091, 40092, 40093, 40094, 40095)
EXIF_BYTES = (37500, 37510)  # the maker's note, the user's comment


def leaks(told: str | bytes) -> list[str]:
    """Return the forms in which the name is in something: as it is, in base64, in hexadecimal, in two-byte letters."""
    text = told if isinstance(told, str) else told.decode("latin-1")
    return [form for form, found in _forms() if found in (text.lower() if form in {"plain", "hexadecimal"} else text)]


def _forms() -> Iterator[tuple[str, str]]:
    yield "plain", NAME.lower()
    yield "hexadecimal", NAME.encode().hex()
    yield "two-byte letters", NAME.encode("utf-16-le").decode("latin-1")
    for start in range(3):  # where in three bytes the name begins; its first and last letters are of their neighbours
        shifted = base64.b64encode(b"\0" * start + NAME.encode()).decode("ascii")
        yield "base64", shifted[4 if start else 0 : len(shifted) // 4 * 4 - 4]


def named(place: str) -> str:
    """Return the name as it is in a place."""
    return f"{NAME}-{place}"


# --- images ---------------------------------------------------------------------------------------------------------


def images() -> dict[str, bytes]:
    """Return files of every format whose every text names the patient."""
    exif, file = _exif(), {}
    with_texts = PngImagePlugin.PngInfo()
    with_texts.add_text("Title", named("tEXt"))
    with_texts.add_text("Comment", named("zTXt"), zip=True)
    with_texts.add_itxt("Description", named("iTXt"), lang="en", tkey=named("key"))
    with_texts.add_text(named("keyword"), "x")
    with_texts.add(b"paTi", named("own chunk").encode())
    icc = named("profile").encode().ljust(200, b" ")
    xmp = f"<x:xmpmeta>{named('XMP')}</x:xmpmeta>".encode()
    tags = ImageFileDirectory_v2()
    for tag in TEXTS:
        tags[tag] = named(f"tag {tag}")
    for tag in BYTES:
        tags.tagtype[tag] = 7
        tags[tag] = named(f"tag {tag}").encode()
    file["PNG"] = image_file("PNG", pnginfo=with_texts, exif=exif, icc_profile=icc)
    file["JPEG"] = image_file("JPEG", exif=exif, comment=named("comment").encode(), icc_profile=icc, xmp=xmp)
    file["JPEG"] = (
        file["JPEG"][:2] + b"\xff\xed" + _sized(b"Photoshop 3.0\0" + named("IPTC").encode()) + file["JPEG"][2:]
    )
    file["TIFF"] = image_file("TIFF", tiffinfo=tags)
    file["WEBP"] = image_file("WEBP", exif=exif, xmp=xmp, icc_profile=icc)
    file["GIF"] = image_file("GIF", comment=named("comment"))
    file["BMP"] = image_file("BMP") + named("behind the end").encode()
    return {kind: data for kind, data in file.items() if leaks(data) or kind == "PNG"}


@cache
def broken_images() -> dict[str, bytes]:
    """Return such files that cannot be read, or whose tags cannot."""
    found = {f"half a {kind}": data[: len(data) * 2 // 3] for kind, data in images().items()}
    found["PNG of a broken chunk"] = _chunked(b"IHDR", named("header").encode())
    found["PNG of a broken text"] = _with_chunk(b"zTXt", named("broken").encode() + b"\0\0no zlib")
    found["PNG of a bomb of text"] = _with_chunk(
        b"zTXt", named("bomb").encode() + b"\0\0" + zlib.compress(bytes(10**8))
    )
    found["JPEG of a broken EXIF"] = image_file(
        "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + named("EXIF").encode() * 9
    )
    found["TIFF of a broken directory"] = b"II*\0\x08\0\0\0\xff\xff" + named("directory").encode() * 9
    found["text"] = named("text").encode()
    found["GIF of text"] = b"GIF89a" + named("text").encode() * 9
    return found


def _exif() -> Image.Exif:
    exif = Image.Exif()
    for tag in TEXTS:
        exif[tag] = named(f"tag {tag}")
    for tag in BYTES:
        exif[tag] = named(f"tag {tag}").encode()
    exif[Base.XPTitle] = named("title").encode("utf-16-le")
    for directory, texts, blobs in ((IFD.Exif, EXIF_TEXTS, EXIF_BYTES), (IFD.GPSInfo, GPS_TEXTS, ())):
        within = exif.get_ifd(directory)
        within.update({tag: named(f"tag {tag}") for tag in texts})
        within.update({tag: named(f"tag {tag}").encode() for tag in blobs})
    return exif


def _sized(data: bytes) -> bytes:
    return struct.pack(">H", len(data) + 2) + data


def _chunked(kind: bytes, data: bytes) -> bytes:
    return png.SIGNATURE + png.chunk(kind, data)


def _with_chunk(kind: bytes, data: bytes) -> bytes:
    sound = image_file("PNG")
    return sound[:33] + png.chunk(kind, data) + sound[33:]


# --- requests ---------------------------------------------------------------------------------------------------------

HEADERS: Pairs = (
    ("Authorization", f"Bearer {named('token')}"),
    ("User-Agent", named("agent")),
    ("Referer", f"https://hospital.example/{named('referer')}"),
    ("Cookie", f"session={named('cookie')}"),
    ("X-Api-Key", named("key")),
    ("X-Patient", named("header")),
    (f"X-{NAME}", "a header's name"),
    ("X-Request-Id", named("id")),
    ("X-Forwarded-For", named("forwarded")),
    ("If-None-Match", f'"{named("tag")}"'),
    ("Origin", f"https://{NAME.lower()}.example"),
    ("Accept-Language", named("language")),
)
QUERY = "&".join(
    f"{quote(name)}={quote(named(name))}"
    for name in ("filename", "layer_name", "target", "size", "include_gradcam", NAME)
)
ONLY_NAME = f"filename={quote(named('query'))}"
SENT_AS = {"PNG": "image/png", "JPEG": "image/jpeg", "TIFF": "image/tiff", "WEBP": "image/webp", "GIF": "image/gif"}


def requests() -> Iterator[tuple[str, Request]]:
    """Requests to every address with the name in every place, by what is said of them."""
    for path in GET_PATHS:
        yield f"GET {path}", Request("GET", f"{path}?{QUERY}", HEADERS)
        yield (
            f"POST {path}",
            Request("POST", f"{path}?{QUERY}", (*HEADERS, ("Content-Type", "text/plain")), NAME.encode()),
        )
    for path in ("/docs/NAME", "/app/NAME/NAME", "/app/NAME/main.js", "/NAME", "/api/v1/NAME", f"{UPLOADS}/NAME"):
        yield f"GET {path}", Request("GET", path.replace("NAME", named("path")) + f"?{QUERY}", HEADERS)
    yield "a method", Request(NAME.upper(), f"{API}/predict", HEADERS)
    asked = (("Access-Control-Request-Method", named("method")), ("Access-Control-Request-Headers", f"X-{NAME}"))
    yield "a preflight", Request("OPTIONS", f"{API}/predict", (*HEADERS, *asked))
    for path in POST_PATHS:
        for what, request in _posted(path):
            yield f"{path.removeprefix(PREFIX)}: {what}", request


def _posted(path: str) -> Iterator[tuple[str, Request]]:
    more = (*HEADERS, ("Accept", "application/pdf")) if path.endswith("pdf") else HEADERS

    def posted(body: bytes, kind: str, query: str = "") -> Request:
        return Request("POST", path + query, (*more, ("Content-Type", kind)), body)

    sound = images()
    for kind, data in (sound | broken_images()).items():
        yield f"{kind} as it is", posted(data, SENT_AS.get(kind, "application/octet-stream"), f"?{ONLY_NAME}")
        body = {"image": base64.b64encode(data).decode("ascii"), "filename": named("field"), NAME: {NAME: [NAME]}}
        yield f"{kind} in JSON", posted(json.dumps(body).encode(), "application/json", f"?{QUERY}")
    part = f'name="image"; filename="{named("part")}"'
    for kind, data in (
        ("PNG", sound["PNG"]),
        ("large PNG", sound["PNG"].ljust(2_000_000, b"\0")),
        ("text", NAME.encode()),
    ):
        fields = (f'name="{NAME}"', NAME.encode()), (f'name="{NAME}"; filename="{NAME}"', NAME.encode() * 100_000)
        yield f"{kind} in a form", posted(*form((part, data), *fields, boundary=NAME), f"?{QUERY}")
    wrong = {
        field: named(field) for field in ("filename", "layer_name", "target", "size", "include_gradcam", "content_type")
    }
    wrong |= {"image": base64.b64encode(sound["PNG"]).decode("ascii")}
    yield "wrong fields", posted(json.dumps(wrong).encode(), "application/json")
    yield "wrong options", posted(sound["PNG"], "image/png", f"?{QUERY}")
    yield (
        "an unknown layer",
        posted(
            json.dumps(wrong | {"target": "benign", "size": 64, "include_gradcam": True}).encode(), "application/json"
        ),
    )
    yield "broken JSON", posted(f'{{"image": "{NAME}", "{NAME}'.encode(), "application/json")
    yield "no base64", posted(json.dumps({"image": NAME, "filename": NAME}).encode(), "application/json")
    yield "a broken form", posted(NAME.encode(), f"multipart/form-data; boundary={NAME}")
    yield "a charset", posted(*form((part, sound["PNG"]))[:1], f"multipart/form-data; boundary=x; charset={NAME}")
    yield "a content type", posted(NAME.encode(), f"text/{NAME}")
    yield "too much", posted(NAME.encode() * 780_000, "application/json")
    yield "a link", posted(json.dumps({"content_type": "image/png", NAME: NAME}).encode(), "application/json")


def by_link(link: dict[str, Any]) -> Iterator[tuple[str, Request]]:
    """Requests that use a link of a laptop, with a large image, and ask for what became of it."""
    fields = [(f'name="{name}"', value.encode()) for name, value in link["upload"]["fields"].items()]
    data = images()["JPEG"].ljust(5_000_000, b"\0")
    part = (f'name="file"; filename="{named("part")}"', data)
    body, kind = form(*fields, (f'name="{NAME}"', NAME.encode()), part, boundary=NAME)
    headers = (*HEADERS, ("Content-Type", kind))
    yield "what no link is for", Request("POST", f"/local-uploads?{QUERY}", headers, body.replace(b'"key"', b'"no"'))
    yield "an image by a link", Request("POST", f"/local-uploads?{QUERY}", headers, body)
    yield "its result", Request("GET", f"{link['result']}?{QUERY}", HEADERS)
    for file in ("heatmap.png", "overlay.png", "result.json", named("file")):
        yield f"its {file}", Request("GET", f"/local-uploads/{link['id']}/{file}?{QUERY}", HEADERS)
