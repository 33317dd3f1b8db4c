"""The list of endpoints is that of the functions, and the documents tell of all of them."""

import re
from pathlib import Path

import pytest

from functions import site
from functions.endpoints import ENDPOINTS, JSON, Endpoint
from tests.endpoints import FUNCTIONS, SITE_PATHS, handler_of
from thyroid.web import schemas

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8").partition("\n## Endpoints\n")[2].partition("\n## ")[0]
NAMES = [endpoint.name for endpoint in ENDPOINTS]

each = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=NAMES)


def test_every_function_with_a_router_is_in_the_list() -> None:
    files = {path.stem: path.read_text("utf-8") for path in (ROOT / "functions").glob("*.py")}
    routed = {name for name, text in files.items() if re.search(r"^router = ", text, re.MULTILINE)}
    assert routed - {"site"} == set(FUNCTIONS)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_a_handler(function: str) -> None:
    assert callable(handler_of(function))


def test_no_two_endpoints_have_the_same_name() -> None:
    assert len(set(NAMES)) == len(NAMES)


@each
def test_an_endpoint_is_one_method_below_the_prefix_with_a_summary(endpoint: Endpoint) -> None:
    assert endpoint.method in {"GET", "POST"}
    assert endpoint.path.startswith("/api/v1/")
    assert endpoint.summary


@each
def test_a_body_is_described_by_a_schema_and_an_image_is_in_it(endpoint: Endpoint) -> None:
    assert bool(endpoint.request_model) is (endpoint.method == "POST")
    if endpoint.request_model:
        assert ("image" in getattr(schemas, endpoint.request_model).model_fields) is endpoint.takes_image


def test_health_alone_needs_no_key() -> None:
    assert [endpoint.path for endpoint in ENDPOINTS if not endpoint.needs_key] == ["/api/v1/health"]


def test_a_report_is_the_one_response_that_is_no_json() -> None:
    assert {e.name: e.media_type for e in ENDPOINTS if e.media_type != JSON} == {"report_pdf": "application/pdf"}


def test_the_root_names_every_endpoint_that_can_be_called_as_it_is() -> None:
    assert site.root().endpoints == {e.name: e.path for e in ENDPOINTS if "{" not in e.path}
    # The names are a part of the API.
    assert site.root().endpoints.items() >= {
        ("health", "/api/v1/health"),
        ("model_info", "/api/v1/model-info"),
        ("predict", "/api/v1/predict"),
        ("gradcam", "/api/v1/gradcam"),
        ("analyze", "/api/v1/analyze"),
        ("report_pdf", "/api/v1/report/pdf"),
        ("report_json", "/api/v1/report/json"),
        ("uploads", "/api/v1/uploads"),
    }


def test_the_readme_has_a_row_for_every_endpoint_and_no_other() -> None:
    rows = re.findall(r"^\| (`/.*`) \| ([A-Z]+) \|", README, re.MULTILINE)
    told = [(method, path) for paths, method in rows for path in re.findall(r"`([^`]+)`", paths)]
    assert sorted(told) == sorted([*((e.method, e.path) for e in ENDPOINTS), *(("GET", path) for path in SITE_PATHS)])
