"""A wall clock that jumps, for tests. What measures how long something takes goes on as ever, as in a machine."""

import datetime as the_datetime
import time
from types import SimpleNamespace
from typing import Self

import pytest
from aws_lambda_powertools.utilities.idempotency import base as idempotency
from aws_lambda_powertools.utilities.idempotency.persistence import base, datarecord, dynamodb

from thyroid.core import analyzer
from thyroid.web import schemas

HOUR = 3600.0
DAY = 24 * HOUR


class Clock:
    """The wall clock of this process.

    Attributes
    ----------
    ahead : float
        How many seconds it is ahead of the right time, or behind where negative.
    """

    ahead = 0.0

    def now(self) -> float:
        return self.right() + self.ahead

    def __init__(self) -> None:
        self.right = time.time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Have all that is asked for the time ask this one: the service, and what remembers uploads."""
    made = Clock()

    class Shifted(the_datetime.datetime):
        @classmethod
        def now(cls, tz: the_datetime.tzinfo | None = None) -> Self:
            return cls.fromtimestamp(made.now(), tz)

    monkeypatch.setattr(time, "time", made.now)
    for module in (analyzer, schemas):
        monkeypatch.setattr(module, "datetime", Shifted)
    shifted = SimpleNamespace(**{**vars(the_datetime), "datetime": Shifted})
    for module in (idempotency, base, datarecord, dynamodb):
        monkeypatch.setattr(module, "dt", shifted)
    return made
