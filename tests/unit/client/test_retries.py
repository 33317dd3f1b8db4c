"""A request is sent again where that may help, later each time, and not for ever."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from tests.client import PNG, PREDICTED, Script, ok, problem
from thyroid_client import TooManyRequests, Unavailable, Unreachable
from thyroid_client.responses import retry_after
from thyroid_client.retries import Retries
from thyroid_client.wire import Response


def throttled(**headers: str) -> httpx.Response:
    return problem(429, "throttled", "More requests came than are taken at a time; try again in a while.", **headers)


def test_a_throttle_that_ends_after_two_tries_is_not_noticed() -> None:
    script = Script(throttled(), throttled(), ok(PREDICTED))

    result = script.client().predict(PNG)

    assert result.risk_assessment == "High Risk"
    assert script.waited == [0.5, 1.0]
    assert [request.content for request in script.requests] == [PNG] * 3


def test_nor_is_it_with_async() -> None:
    script = Script(throttled(), throttled(), ok(PREDICTED))

    async def predict() -> str:
        async with script.async_client() as client:
            return (await client.predict(PNG)).risk_assessment

    assert asyncio.run(predict()) == "High Risk"
    assert script.waited == [0.5, 1.0]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_passes_by_itself_is_tried_again(status: int) -> None:
    script = Script(httpx.Response(status), ok(PREDICTED))
    script.client().predict(PNG)
    assert len(script.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 415, 422, 500, 501])
def test_what_does_not_is_not(status: int) -> None:
    script = Script(httpx.Response(status))
    with pytest.raises(Exception, match=r".+"):
        script.client().predict(PNG)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("no"), httpx.ConnectTimeout("no"), httpx.PoolTimeout("no"), httpx.ProxyError("no")]
)
def test_a_request_that_never_left_is_sent_again(error: Exception) -> None:
    script = Script(error, ok(PREDICTED))
    script.client().predict(PNG)
    assert len(script.requests) == 2


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (httpx.ReadTimeout("no"), "`timeout`"),
        (httpx.ReadError("no"), "broke"),
        (httpx.RemoteProtocolError("no"), "broke"),
    ],
)
def test_a_request_that_may_have_arrived_is_left_to_the_caller(error: Exception, says: str) -> None:
    script = Script(error)
    with pytest.raises(Unreachable, match=says) as caught:
        script.client().predict(PNG)
    assert len(script.requests) == 1
    assert caught.value.__cause__ is error


def test_a_used_up_quota_is_not_asked_for_again() -> None:
    script = Script(problem(429, "quota_exceeded", "This key has made all requests of its period; wait."))
    with pytest.raises(TooManyRequests, match="all requests of its period"):
        script.client().predict(PNG)
    assert script.waited == []


def test_after_the_last_try_the_last_answer_is_the_error() -> None:
    script = Script(throttled(), throttled(), httpx.Response(503))
    with pytest.raises(Unavailable, match="try again later"):
        script.client(retries=2).predict(PNG)
    assert len(script.requests) == 3


def test_without_retries_nothing_is_waited_for() -> None:
    script = Script(throttled())
    with pytest.raises(TooManyRequests):
        script.client(retries=0).predict(PNG)
    assert script.waited == []


def test_what_the_service_says_to_wait_is_waited_and_a_bit() -> None:
    script = Script(throttled(**{"Retry-After": "7"}), ok(PREDICTED))
    script.client().predict(PNG)
    assert script.waited == [7.5]


def test_no_try_begins_after_the_retry_timeout_is_over() -> None:
    busy = {"Retry-After": "20"}
    script = Script(*(throttled(**busy) for _ in range(5)))
    with pytest.raises(TooManyRequests):
        script.client(retries=100, retry_timeout=60).predict(PNG)
    assert script.waited == [20.5, 21.0]


def test_a_wait_longer_than_the_retry_timeout_is_not_begun() -> None:
    script = Script(throttled(**{"Retry-After": "9" * 400}))
    with pytest.raises(TooManyRequests):
        script.client().predict(PNG)
    assert script.waited == []


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_that_was_not_made_is_named_by_the_error(status: int) -> None:
    script = Script(problem(status, "busy", "Ask again later.", **{"Retry-After": "3600"}))
    with pytest.raises((TooManyRequests, Unavailable)) as caught:
        script.client().predict(PNG)
    assert caught.value.retry_after == 3600
    assert str(caught.value) == "Ask again later. The service asks to wait 3600 seconds."


def test_an_error_without_one_names_none() -> None:
    with pytest.raises(TooManyRequests) as caught:
        Script(throttled()).client(retries=0).predict(PNG)
    assert caught.value.retry_after is None
    assert "wait" not in str(caught.value)


def test_a_wait_without_end_is_one_of_a_year() -> None:
    for said in ("9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"):
        assert retry_after(Response(503, {"retry-after": said})) == 365 * 86400


def test_waits_double_up_to_a_bound_and_are_never_in_step() -> None:
    longest = [Retries(random=lambda: 1.0).wait(tries, 0) for tries in (1, 2, 3, 4, 5, 6, 10_000)]
    shortest = [Retries(random=lambda: 0.0).wait(tries, 0) for tries in (1, 2, 3, 4, 5, 6, 10_000)]
    assert longest == [0.5, 1, 2, 4, 8, 8, 8]
    assert shortest == [0.25, 0.5, 1, 2, 4, 4, 4]
    assert len({Retries().wait(3, 0) for _ in range(10)}) > 1


@pytest.mark.parametrize("said", ["", "soon", "-3", "1.5", "٣", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_an_unreadable_or_past_retry_after_counts_as_none(said: str) -> None:
    assert retry_after(Response(429, {"retry-after": said})) == 0


def test_a_retry_after_may_be_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 25 < retry_after(Response(503, {"retry-after": soon})) <= 30
