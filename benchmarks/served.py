"""Local servers: their first response, a call over HTTP, their memory, and their throughput by number of clients."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from http.client import HTTPConnection
from typing import Any

from benchmarks.contenders import FUNCTIONS, SERVERS, is_available
from benchmarks.same import require_same_scores
from benchmarks.server import Server, ServerError, serving
from benchmarks.spread import by_turns, milliseconds

CLIENTS = (1, 8, 64)


def served(calls: int, seconds: float, clients: Sequence[int], left_out: list[str]) -> dict[str, dict[str, Any]]:
    """Measure each server: milliseconds, megabytes, and requests per second by number of clients."""
    running: dict[str, Server] = {}
    with ExitStack() as stack:
        for one in (*FUNCTIONS, *SERVERS):
            if not is_available(one):
                left_out.append(f"{one.name}: its environment is not installed; `make bench` says why")
                continue
            try:
                running[one.name] = stack.enter_context(serving(one.server))
            except ServerError as error:
                left_out.append(f"{one.name}: {error}")
        require_same_scores({name: server.score for name, server in running.items()})
        connections = {name: server.connect() for name, server in running.items()}
        for connection in connections.values():
            stack.callback(connection.close)
        calls_by_name = {name: _call(server, connections[name]) for name, server in running.items()}
        for call in calls_by_name.values():
            call()
        warm = by_turns(calls_by_name, calls, "warm, over HTTP")
        return {
            name: {
                "first_response": server.first_response,
                "warm": warm[name],
                "requests_per_second": _requests_per_second(name, server, clients, seconds, left_out),
                "megabytes": server.megabytes(),
            }
            for name, server in running.items()
        }


def _requests_per_second(
    name: str, server: Server, clients: Sequence[int], seconds: float, left_out: list[str]
) -> dict[int, float]:
    found = {}
    for many in clients:
        try:
            found[many] = server.throughput(many, seconds)
        except ServerError as error:
            left_out.append(f"{name} with {many} clients: {error}")
    return found


def _call(server: Server, connection: HTTPConnection) -> Callable[[], float]:
    return lambda: milliseconds(lambda: server.send(connection))
