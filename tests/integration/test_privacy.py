"""Nothing of a patient is in logs, metrics or refusals, whatever was sent and however much is logged."""

import base64
import io
import json

import pytest
from PIL import Image, PngImagePlugin
from PIL.ExifTags import Base
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from functions import predict
from tests.endpoints import IMAGE_ENDPOINTS, handler_of
from tests.events import CONTEXT, rest_event
from tests.images import ramp_image
from thyroid.web.lambda_handler import Handler

NAME = "Jane-Doe"
HANDLERS: dict[str, Handler] = {endpoint.path: handler_of(endpoint.function) for endpoint in IMAGE_ENDPOINTS}


def tagged(kind: str) -> bytes:
    """Return an image file whose tags name the patient."""
    file = io.BytesIO()
    if kind == "TIFF":
        tags = ImageFileDirectory_v2()
        tags[270] = tags[315] = f"{NAME} 1970-01-01"  # description, artist
        ramp_image().save(file, "TIFF", tiffinfo=tags)
    elif kind == "JPEG":
        exif = Image.Exif()
        exif[Base.ImageDescription] = exif[Base.Artist] = NAME
        ramp_image().save(file, "JPEG", exif=exif, comment=NAME.encode())
    else:
        text = PngImagePlugin.PngInfo()
        text.add_text("Description", NAME)
        ramp_image().save(file, "PNG", pnginfo=text)
    return file.getvalue()


IMAGES = {kind: tagged(kind) for kind in ("TIFF", "JPEG", "PNG")}
NAMED = {"filename": NAME, "layer_name": NAME, "target": NAME, "size": NAME}

BODIES: dict[str, tuple[bytes | str, dict[str, str], dict[str, str] | None]] = {
    **{f"tags of a {kind}": (data, {"Content-Type": "image/png"}, {"filename": NAME}) for kind, data in IMAGES.items()},
    **{
        f"a broken {kind}": (data[: len(data) // 2], {"Content-Type": "image/png"}, {"filename": NAME})
        for kind, data in IMAGES.items()
    },
    "fields of JSON": (
        json.dumps({"image": base64.b64encode(IMAGES["PNG"]).decode(), **NAMED, NAME: NAME}),
        {"Content-Type": "application/json"},
        None,
    ),
    "broken JSON": (f'{{"image": "{NAME}", ', {"Content-Type": "application/json"}, None),
    "no base64": (json.dumps({"image": NAME, "filename": NAME}), {"Content-Type": "application/json"}, None),
    "options of the query": (IMAGES["PNG"], {"Content-Type": "image/png"}, NAMED),
    "a form": (
        f'--{NAME}\r\nContent-Disposition: form-data; name="{NAME}"\r\n\r\n{NAME}\r\n--{NAME}--'.encode(),
        {"Content-Type": f"multipart/form-data; boundary={NAME}"},
        None,
    ),
    "a broken form": (NAME.encode(), {"Content-Type": f"multipart/form-data; boundary={NAME}"}, None),
    "a charset": (
        f'--x\r\nContent-Disposition: form-data; name="image"; filename="{NAME}"\r\n\r\n{NAME}\r\n--x--'.encode(),
        {"Content-Type": "multipart/form-data; boundary=x; charset=undefined"},
        None,
    ),
    "a content type": (b"x", {"Content-Type": f"text/{NAME}"}, None),
    "headers": (IMAGES["PNG"], {"Content-Type": "image/png", "X-Patient": NAME, "Referer": NAME}, None),
}


@pytest.mark.usefixtures("artifact")
@pytest.mark.parametrize("path", HANDLERS)
@pytest.mark.parametrize("kind", BODIES)
def test_a_name_that_was_sent_comes_back_in_the_answer_at_most(
    path: str, kind: str, written: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a request with the name in it
    body, headers, query = BODIES[kind]
    # WHEN it is answered
    accepting = headers | ({"Accept": "application/pdf"} if path.endswith("pdf") else {})
    answer = HANDLERS[path](rest_event("POST", path, body=body, headers=accepting, query=query), CONTEXT)
    # THEN it was an answer or a refusal of what was sent, and nothing that was written tells the name
    assert answer["statusCode"] < 500
    printed = capsys.readouterr()
    assert '"message":"request"' in written.getvalue()
    assert NAME not in written.getvalue() + printed.out + printed.err
    # AND a refusal does not repeat what was sent
    if answer["statusCode"] != 200:
        assert NAME not in answer["body"]


@pytest.mark.parametrize("method", ["GET", NAME])
def test_an_address_that_was_called_and_a_method_that_is_none_are_not_written(
    method: str, written: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = predict.handler(rest_event(method, f"/scans/{NAME}", query={NAME: NAME}), CONTEXT)

    assert answer["statusCode"] == 404
    printed = capsys.readouterr()
    assert '"route":"unmatched"' in written.getvalue()
    assert NAME not in written.getvalue() + printed.out + printed.err + answer["body"]
