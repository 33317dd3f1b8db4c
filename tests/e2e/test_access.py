"""What is closed on the deployed stack stays closed: only a key of its stage opens it, and no way leads around that."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from functions.endpoints import ENDPOINTS
from tests import wire
from tests.detours import EVIL, HOSTS, overrides, spellings
from tests.e2e.calls import as_json
from tests.e2e.conftest import measured
from tests.e2e.local_aws import LocalAws
from tests.endpoints import SITE_PATHS, resource_of
from tests.gateway import Answer, Request
from thyroid.web.problems import Problem

NO_ID = "00000000-0000-0000-0000-000000000000"
WITH_KEY = tuple(endpoint for endpoint in ENDPOINTS if endpoint.needs_key)
CLOSED = tuple((endpoint.method, endpoint.path.replace("{id}", NO_ID)) for endpoint in WITH_KEY)
LOGS = tuple(dict.fromkeys(resource_of(endpoint.function, "Logs") for endpoint in WITH_KEY))
BODY = json.dumps(as_json()).encode()


@dataclass(frozen=True)
class Door:
    """A stage of the deployed API, called to the byte."""

    endpoint: str
    prefix: str

    def ask(self, method: str, target: str, *headers: tuple[str, str], body: bytes | None = None) -> Answer:
        """Send a request as it is; a POST brings an image."""
        kind = (("Content-Type", "application/json"),) if method == "POST" else ()
        sent = (BODY if method == "POST" else b"") if body is None else body
        return wire.send(self.endpoint, Request(method, self.prefix + target, (*kind, *headers), sent))


@pytest.fixture
def door(aws: LocalAws) -> Door:
    return Door(aws.endpoint, urlsplit(aws.api()).path)


@pytest.fixture
def key(aws: LocalAws) -> tuple[str, str]:
    """The header that opens the stage."""
    return "X-Api-Key", aws.key()


@dataclass(frozen=True)
class Stranger:
    """Another stage of the same API, and the header that opens it."""

    door: Door
    key: tuple[str, str]


@pytest.fixture(scope="module")
def stranger(aws: LocalAws) -> Stranger:
    gateway, api = aws.client("apigateway"), aws.physical_name("Api")
    deployment = gateway.get_deployments(restApiId=api)["items"][-1]["id"]
    gateway.create_stage(restApiId=api, stageName="other", deploymentId=deployment)
    made = gateway.create_api_key(name="of-the-other-stage", enabled=True)
    plan = gateway.create_usage_plan(name="other", apiStages=[{"apiId": api, "stage": "other"}])
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=made["id"], keyType="API_KEY")
    other = Door(aws.endpoint, urlsplit(aws.api()).path.replace("/prod/", "/other/"))
    assert other.ask("GET", "/api/v1/model-info", ("X-Api-Key", made["value"])).status == 200
    return Stranger(other, ("X-Api-Key", made["value"]))


@pytest.fixture
def nothing_is_done(aws: LocalAws, door: Door, key: tuple[str, str]) -> Iterator[None]:
    """None of the functions behind closed addresses is called meanwhile."""

    def count() -> int:
        return sum('"message":"request"' in line for group in LOGS for line in aws.log_lines(group))

    def count_of_one_more() -> int:
        """Call a function, and count once its line is there: then those of all before it are there as well."""
        before = count()
        assert door.ask("GET", "/api/v1/model-info", key).status == 200
        for _ in range(100):
            if (now := count()) > before:
                return now
            time.sleep(0.1)
        pytest.fail("a call left no line in the log within ten seconds")

    before = count_of_one_more()
    yield
    assert count_of_one_more() == before + 1


def wrong_keys(right: str) -> dict[str, tuple[tuple[str, str], ...]]:
    """What somebody may send who has no key, or has it and does not send it as what it is."""
    return {
        "none": (),
        "an empty one": (("X-Api-Key", ""),),
        "one of the right length": (("X-Api-Key", "0" * len(right)),),
        "one letter less": (("X-Api-Key", right[:-1]),),
        "one letter more": (("X-Api-Key", right + "0"),),
        "in other letters": (("X-Api-Key", right.swapcase()),),
        "two in one header": (("X-Api-Key", f"{right},{right}"),),
        "as a token": (("Authorization", f"Bearer {right}"),),
        "as a cookie": (("Cookie", f"X-Api-Key={right}; x-api-key={right}"),),
        "under another name": (("Api-Key", right), ("X-Amz-Security-Token", right), ("X_Api_Key", right)),
        "a pattern": (("X-Api-Key", "*"),),
        "a null": (("X-Api-Key", "null"),),
    }


@pytest.mark.usefixtures("nothing_is_done")
def test_no_closed_address_opens_without_its_key(door: Door, key: tuple[str, str]) -> None:
    for method, path in CLOSED:
        for what, headers in wrong_keys(key[1]).items():
            response = door.ask(method, path, *headers)
            assert_refused(response, (method, path, what), 403)
        for query in (f"?x-api-key={key[1]}", f"?X-Api-Key={key[1]}", f"?api_key={key[1]}"):
            assert_refused(door.ask(method, path + query), (method, path, "in the query"), 403)


@pytest.mark.usefixtures("nothing_is_done")
def test_a_key_of_another_stage_opens_that_one_alone(stranger: Stranger, door: Door, key: tuple[str, str]) -> None:
    for method, path in CLOSED:
        assert_refused(door.ask(method, path, stranger.key), (method, path), 403)
        assert_refused(stranger.door.ask(method, path, key), (method, path), 403)


@pytest.mark.usefixtures("nothing_is_done")
def test_no_other_spelling_of_a_closed_address_opens_it(door: Door) -> None:
    tried = 0
    for method, path in CLOSED:
        for spelled in spellings(path):
            # Some of these the local AWS refuses itself, in words of its own.
            assert door.ask(method, spelled).status in (400, 403, 404), (method, spelled)
            tried += 1
    measured(f"other spellings of closed addresses: {tried:,} refused, no function called")


@pytest.mark.usefixtures("nothing_is_done")
def test_no_header_makes_an_open_request_a_closed_one(door: Door) -> None:
    plain = json.loads(door.ask("GET", "/api/v1/health").body)
    for method, path in CLOSED:
        for header in overrides(method, path):
            response = door.ask("GET", "/api/v1/health", header)
            assert response.status == 200, header
            assert json.loads(response.body).keys() == plain.keys(), header
        # Health is open and so is a preflight: what only claims to be one is not.
        for open_one in ("OPTIONS", "GET"):
            for header in overrides(open_one, "/api/v1/health"):
                assert_refused(door.ask(method, path, header), (method, path, header), 403)


@pytest.mark.usefixtures("nothing_is_done")
@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "post", "Post"])
def test_no_other_method_opens_a_closed_address(door: Door, method: str) -> None:
    for _, path in CLOSED:
        response = door.ask(method, path, ("Content-Type", "application/json"), body=b"" if method == "HEAD" else BODY)
        assert 400 <= response.status < 500, (method, path, response.status)


def test_a_preflight_that_brings_an_image_gets_no_more_than_a_preflight(door: Door) -> None:
    asked = (("Origin", "https://page.example"), ("Access-Control-Request-Method", "POST"))
    for _, path in CLOSED:
        plain = door.ask("OPTIONS", path, *asked)
        loaded = door.ask("OPTIONS", path, *asked, ("Content-Type", "application/json"), body=BODY)
        assert (plain.status, plain.body) == (loaded.status, loaded.body), path
        assert b"prediction" not in loaded.body


def test_no_answer_names_the_host_that_a_request_named(door: Door, key: tuple[str, str]) -> None:
    asked = (
        *(("GET", path) for path in (*SITE_PATHS, "/api/v1/health", "/nowhere")),
        *CLOSED,
    )
    for method, path in asked:
        for host in HOSTS:
            response = door.ask(method, path, host, key)
            told = [value for name, value in response.headers if name.lower() != "access-control-allow-origin"]
            assert EVIL not in " ".join(told), (method, path, host)
            assert EVIL.encode() not in response.body, (method, path, host)
            assert response.status < 300 or response.status >= 400, (method, path, host)


def test_a_key_that_was_taken_out_of_the_plan_opens_nothing(aws: LocalAws, door: Door) -> None:
    # GIVEN another key of the stage, which opens it
    gateway, plan = aws.client("apigateway"), aws.physical_name("UsagePlan")
    made = gateway.create_api_key(name="of-somebody-who-left", enabled=True)
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=made["id"], keyType="API_KEY")
    header = ("X-Api-Key", made["value"])
    assert door.ask("GET", "/api/v1/model-info", header).status == 200
    # WHEN the plan has it no more
    gateway.delete_usage_plan_key(usagePlanId=plan, keyId=made["id"])
    # THEN it opens nothing
    assert_refused(door.ask("GET", "/api/v1/model-info", header), "a key of nobody", 403)


def assert_refused(response: Answer, what: object, *statuses: int) -> None:
    """Check that a request got a problem, and nothing else."""
    assert response.status in statuses, (what, response.status, response.body[:300])
    assert Problem.model_validate_json(response.body).status == response.status, what
