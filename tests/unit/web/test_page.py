"""The files of the page, without a browser."""

import base64
import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from docs import make_phantom
from functions import site
from tests.events import CONTEXT, rest_event
from thyroid.settings import Settings
from thyroid.web import problems
from thyroid.web.page import FOLDER, PAGE, TYPES, File, files, page_router, policy, release_of
from thyroid_model.compiling.meaning import RISK_BANDS

HTML = (FOLDER / PAGE).read_text("utf-8")
SCRIPTS = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.js")}
RELEASE = release_of(files())
PATHS = {name: "/app" if name == PAGE else f"/app/{RELEASE}/{name}" for name in files()}


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = FastAPI(openapi_url=None)
    app.include_router(page_router(Settings()))
    problems.install(app)
    with TestClient(app) as client:
        yield client


def test_every_file_of_the_folder_is_served_by_its_type(client: TestClient) -> None:
    assert set(files()) == {path.name for path in FOLDER.iterdir()}
    for name, path in PATHS.items():
        answer = client.get(path)
        assert answer.content == files()[name].content
        assert name == PAGE or answer.content == (FOLDER / name).read_bytes()
        assert answer.headers["content-type"] == TYPES[(FOLDER / name).suffix]
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["index.html", "none.js", "..%2fpage.py", "%2e%2e", "__init__.py"])
def test_nothing_else_can_be_had(client: TestClient, name: str) -> None:
    assert client.get(f"/app/{RELEASE}/{name}").status_code == 404
    assert client.get(f"/app/{name}").status_code == 404


@pytest.mark.parametrize("path", PATHS.values())
def test_a_file_that_a_browser_has_is_not_sent_again(client: TestClient, path: str) -> None:
    first = client.get(path)
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_browser_asks_for_the_page_each_time_and_keeps_the_files_of_its_release(client: TestClient) -> None:
    page = client.get("/app")
    assert page.headers["cache-control"] == "no-cache"
    assert f'"app/{RELEASE}/main.js"' in page.text
    assert "immutable" in client.get(f"/app/{RELEASE}/main.js").headers["cache-control"]
    assert client.get("/app/0123456789ab/main.js").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["main.js", "style.css", "phantom.jpg"])
def test_a_change_of_any_file_is_another_release(name: str) -> None:
    changed = files() | {name: File(b"", "", '"another"')}
    assert release_of(changed) != RELEASE


def test_the_policy_lets_scripts_and_styles_come_from_files_alone() -> None:
    told = policy(Settings())
    assert "unsafe" not in told
    assert "*" not in told
    assert "http" not in told
    assert "data:" not in told
    assert re.findall(r"<script(?![^>]*\bsrc=)", HTML) == []
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=", HTML) == []


def test_the_page_may_talk_to_the_buckets_where_there_are_some() -> None:
    told = policy(Settings(page_origins=("https://uploads.example", "https://results.example")))
    assert "connect-src 'self' https://uploads.example https://results.example;" in told


def test_all_addresses_are_relative_and_lead_somewhere(client: TestClient) -> None:
    addresses = set(re.findall(r'(?:src|href)="([^"#]+)"', client.get("/app").text))
    assert f"app/{RELEASE}/main.js" in addresses
    for address in addresses - {"docs"}:
        assert client.get(f"/{address}").status_code == 200
    for name, script in SCRIPTS.items():
        for imported in re.findall(r'from "([^"]+)"', script):
            assert imported.startswith("./"), name
            assert imported[2:] in SCRIPTS, name


def test_all_scripts_are_asked_for_at_once() -> None:
    asked = set(re.findall(r'<link rel="modulepreload" href="app/([^"]+)"', HTML))
    assert asked == set(SCRIPTS) - {"main.js"}


def test_no_file_names_another_host() -> None:
    for name in files():
        if not name.endswith(".jpg"):
            assert set(re.findall(r"https?://[^\"'\s>]+", (FOLDER / name).read_text("utf-8"))) <= {
                "http://www.w3.org/2000/svg"
            }


def test_the_page_is_small() -> None:
    code = sum(len(file.content) for name, file in files().items() if not name.endswith(".jpg"))
    assert code < 70_000
    assert len(files()["phantom.jpg"].content) < 50_000


def test_the_page_knows_the_limit_of_a_request() -> None:
    assert f"DIRECT_LIMIT = {Settings().max_binary_body_bytes:_};" in SCRIPTS["picture.js"]


def test_the_page_has_a_colour_for_each_risk_band_and_takes_the_texts_from_the_service() -> None:
    style = (FOLDER / "style.css").read_text("utf-8")
    assert re.findall(r'\[data-band="(\w+)"\]', style) == [band.id for band in reversed(RISK_BANDS)]
    for text in (HTML, *SCRIPTS.values()):
        assert not [band.label for band in RISK_BANDS if band.label in text]


def test_the_sample_is_the_phantom_that_its_script_makes() -> None:
    kept, made = (
        np.asarray(Image.open(io.BytesIO(file)), dtype=int)
        for file in (files()["phantom.jpg"].content, make_phantom.make())
    )
    assert kept.shape == made.shape
    assert np.abs(kept - made).mean() < 1  # another version of the encoder may round otherwise


@pytest.mark.parametrize("name", PATHS)
def test_a_file_comes_whole_through_the_gateway(name: str) -> None:
    event = rest_event("GET", "/app")
    if name != PAGE:
        event = rest_event(
            "GET", PATHS[name], resource="/app/{release}/{file}", parameters={"release": RELEASE, "file": name}
        )
    answer = site.handler(event, CONTEXT)
    assert answer["statusCode"] == 200
    # Bytes are for who names their type; text is for everyone, as a browser asks for scripts with any type.
    assert answer["isBase64Encoded"] == name.endswith(".jpg")
    body = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
    assert body == files()[name].content
