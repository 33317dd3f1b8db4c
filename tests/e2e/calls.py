"""What callers of the stack send, and what they are answered where they get no result."""

import base64

import httpx

from events.generate import image_file
from thyroid.web.problems import Problem

SCAN = image_file(1, suspicious=True)
NAME = "Jane-Doe.png"


def as_json(scan: bytes = SCAN, **fields: object) -> dict[str, object]:
    return {"image": base64.b64encode(scan).decode("ascii"), "filename": NAME, **fields}


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    """Check that an answer is a problem as the API describes them, and that a browser may read it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate_json(answer.text)
    assert (problem.status, problem.code) == (status, code)
    assert problem.request_id
