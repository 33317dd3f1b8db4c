import re
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from thyroid.core.imaging import decode
from thyroid.web import problems
from thyroid.web.body import decode_base64
from thyroid.web.docs import ASSET_TYPES, FAVICON, docs_router
from thyroid.web.openapi import IMAGE_PROBLEMS, request_body
from thyroid.web.schemas import AnalyzeOptions, AnalyzeRequest

elsewhere = APIRouter()


@elsewhere.post("/elsewhere", openapi_extra=request_body(AnalyzeOptions, AnalyzeRequest), responses=IMAGE_PROBLEMS)
def answered_elsewhere() -> None:
    """Described here, answered by another function."""


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI(openapi_url=None)
    app.include_router(docs_router([elsewhere]))
    problems.install(app)
    return TestClient(app)


@pytest.fixture(scope="module")
def operation(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()["paths"]["/elsewhere"]["post"]
    return found


def references(part: object) -> set[str]:
    """Every `$ref` in a piece of JSON."""
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(references(value) for value in part.values()))
    return set().union(*(references(value) for value in part)) if isinstance(part, list) else set()


def test_a_route_of_another_function_is_described_but_not_answered(client: TestClient) -> None:
    assert "/elsewhere" in client.get("/openapi.json").json()["paths"]
    assert client.post("/elsewhere").status_code == 404


def test_every_reference_leads_somewhere(client: TestClient) -> None:
    description = client.get("/openapi.json").json()

    found = references(description)
    assert "#/components/schemas/AnalyzeRequest" in found
    assert {r.removeprefix("#/components/schemas/") for r in found} <= set(description["components"]["schemas"])


def test_the_server_is_relative_so_that_any_prefix_works(client: TestClient) -> None:
    assert [server["url"] for server in client.get("/openapi.json").json()["servers"]] == ["."]


def test_the_example_is_an_image_that_can_be_sent(operation: dict[str, Any]) -> None:
    example = operation["requestBody"]["content"]["application/json"]["example"]

    assert decode(decode_base64(AnalyzeRequest.model_validate(example).image), max_pixels=10**6).format == "JPEG"


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_a_page_asks_only_for_relative_addresses_that_exist(client: TestClient, page: str) -> None:
    html = client.get(page).text

    addresses = re.findall(r"""(?:src|href|spec-url)=["']([^"']+)|url: '([^']+)'""", html)
    found = {a or b for a, b in addresses}
    assert "openapi.json" in found
    assert len(found) >= 3
    assert FAVICON in found
    for address in found - {FAVICON}:
        assert not address.startswith(("/", "http"))
        assert client.get(f"/{address}").status_code == 200


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_a_browser_is_told_to_ask_no_other_host(client: TestClient, page: str) -> None:
    policy = client.get(page).headers["content-security-policy"]

    assert policy.startswith("default-src 'self'")
    assert "http" not in policy
    assert "*" not in policy


@pytest.mark.parametrize(("name", "media_type"), ASSET_TYPES.items())
def test_the_files_of_the_pages_come_from_the_package(client: TestClient, name: str, media_type: str) -> None:
    response = client.get(f"/docs/{name}")

    assert response.headers["content-type"].startswith(media_type)
    assert len(response.content) > 1000


@pytest.mark.parametrize("asked", ["bytes=0-9", "bytes=9-0", "bytes=99999999-", "bytes=0-,0-", "bytes=x", "x"])
def test_whatever_range_of_a_file_is_asked_for_the_answer_is_the_whole_of_it(client: TestClient, asked: str) -> None:
    response = client.get("/docs/swagger-ui.css", headers={"Range": asked})

    assert response.status_code == 200
    assert response.content == client.get("/docs/swagger-ui.css").content


@pytest.mark.parametrize("name", ["nope.js", "..%2fcore.py", "%2e%2e", "__init__.py"])
def test_no_other_file_can_be_had(client: TestClient, name: str) -> None:
    assert client.get(f"/docs/{name}").status_code == 404
