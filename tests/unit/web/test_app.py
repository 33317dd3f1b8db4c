import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import APIRouter
from starlette.testclient import TestClient

from thyroid.settings import Settings
from thyroid.web import app as web_app
from thyroid.web.app import build_app, get_analyzer

router = APIRouter()


@router.get("/here")
def here() -> str:
    return "here"


@router.get("/broken")
def broken() -> None:
    raise RuntimeError


def client(*origins: str) -> TestClient:
    return TestClient(build_app([router], Settings(cors_origins=origins or ("*",))))


def test_it_answers_its_routes_and_nothing_else() -> None:
    assert client().get("/here").json() == "here"
    for path in ("/", "/docs", "/redoc", "/openapi.json", "/api/v1/predict"):
        assert client().get(path).status_code == 404


def test_there_are_no_redirects_for_they_would_lose_a_stage_prefix() -> None:
    response = client().get("/here/", follow_redirects=False)

    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


@pytest.mark.parametrize(
    ("origin", "allowed"), [("https://a.example", "https://a.example"), ("https://b.example", None)]
)
def test_only_the_origins_of_the_settings_may_call_from_a_browser(origin: str, allowed: str | None) -> None:
    response = client("https://a.example").get("/here", headers={"Origin": origin})

    assert response.headers.get("access-control-allow-origin") == allowed


def test_by_default_any_origin_may_call() -> None:
    assert client().get("/here", headers={"Origin": "https://x"}).headers["access-control-allow-origin"] == "*"


def test_a_browser_may_ask_beforehand_for_an_image_to_be_posted() -> None:
    response = client("https://a.example").options(
        "/here",
        headers={
            "Origin": "https://a.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-api-key",
        },
    )

    assert response.status_code == 200
    assert "POST" in response.headers["access-control-allow-methods"]
    assert "x-api-key" in response.headers["access-control-allow-headers"]


@pytest.mark.parametrize(
    "asked",
    [
        {"Origin": "https://b.example"},
        {"Access-Control-Request-Method": "DELETE"},
        {"Access-Control-Request-Method": "Jane"},
        {"Access-Control-Request-Private-Network": "true"},
    ],
)
def test_what_a_browser_asks_beforehand_and_may_not_send_is_a_problem_that_repeats_none_of_it(
    asked: dict[str, str],
) -> None:
    sound = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}

    response = client("https://a.example").options("/here", headers=sound | asked)

    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["access-control-allow-methods"] == "GET, POST"
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert not any(word in response.text for word in ("DELETE", "Jane", "b.example"))


@pytest.mark.parametrize("path", ["/broken", "/nowhere"])
def test_a_browser_can_read_errors_too(path: str) -> None:
    response = client().get(path, headers={"Origin": "https://x"})

    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["content-type"] == "application/problem+json"


def test_first_requests_at_the_same_time_get_the_same_service(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a service whose making takes until the other callers have come, or a moment if they are kept waiting
    made: list[object] = []
    together = threading.Barrier(2)

    def slow(_settings: Settings) -> object:
        made.append(object())
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(0.2)
        return made[-1]

    monkeypatch.setattr(web_app, "Analyzer", slow)
    web_app._analyzer.cache_clear()
    try:
        # WHEN
        with ThreadPoolExecutor(4) as pool:
            got = list(pool.map(lambda _: get_analyzer(), range(4)))
    finally:
        web_app._analyzer.cache_clear()

    # THEN
    assert len(made) == 1
    assert all(service is made[0] for service in got)
