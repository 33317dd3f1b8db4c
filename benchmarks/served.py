"""Servers on a laptop: their first answer, a call over HTTP, their memory, and how many clients they bear."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from http.client import HTTPConnection
from typing import Any

from benchmarks.contenders import FUNCTIONS, SERVERS, is_there
from benchmarks.same import require_same_scores
from benchmarks.server import Server, ServerError, serving
from benchmarks.spread import by_turns, milliseconds

CLIENTS = (1, 8, 64)


def served(calls: int, seconds: float, clients: Sequence[int], left_out: list[str]) -> dict[str, dict[str, Any]]:
    """Measure each server: milliseconds, megabytes, and answers a second by number of clients."""
    running: dict[str, Server] = {}
    with ExitStack() as all_of_them:
        for one in (*FUNCTIONS, *SERVERS):
            if not is_there(one):
                left_out.append(f"{one.name}: its environment is not there; `make bench` says why it can't be made")
                continue
            try:
                running[one.name] = all_of_them.enter_context(serving(one.server))
            except ServerError as error:
                left_out.append(f"{one.name}: {error}")
        require_same_scores({name: server.score for name, server in running.items()})
        lines = {name: server.connect() for name, server in running.items()}
        for line in lines.values():
            all_of_them.callback(line.close)
        calling = {name: _calling(server, lines[name]) for name, server in running.items()}
        for call in calling.values():
            call()
        warm = by_turns(calling, calls, "warm, over HTTP")
        return {
            name: {
                "first_answer": server.first_answer,
                "warm": warm[name],
                "answers_a_second": _answers_a_second(name, server, clients, seconds, left_out),
                "megabytes": server.megabytes(),
            }
            for name, server in running.items()
        }


def _answers_a_second(
    name: str, server: Server, clients: Sequence[int], seconds: float, left_out: list[str]
) -> dict[int, float]:
    found = {}
    for many in clients:
        try:
            found[many] = server.throughput(many, seconds)
        except ServerError as error:
            left_out.append(f"{name} with {many} clients: {error}")
    return found


def _calling(server: Server, line: HTTPConnection) -> Callable[[], float]:
    return lambda: milliseconds(lambda: server.ask(line))
