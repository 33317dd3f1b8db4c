"""The local server under more clients than it can answer: nobody waits long, nothing grows, nothing begun is lost."""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

import numpy as np
import pytest
from PIL import Image

from benchmarks.image import jpeg
from tests.images import saved
from tests.server import server_process
from thyroid import phantom

CLIENTS = 200
SECONDS = 60
REQUESTS = 20_000
MAX_WAIT_SECONDS = 10.0  # seconds, of which a response takes one where 64 wait; more is a pile-up
GROWTH = 300  # bytes a request at most, over the second half: 3 MB in all, which is the noise of an allocator
PREDICT = "/api/v1/predict"

Server = tuple[str, "Popen[bytes]"]


@dataclass
class Told:
    """What the clients were told: how often each status, and the longest wait for one."""

    statuses: Counter[int] = field(default_factory=Counter)
    longest: float = 0.0
    wrong: list[str] = field(default_factory=list)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with server_process(tmp_path / "printed") as running:
        yield running


def small_image() -> bytes:
    return saved(Image.fromarray(phantom.make(1, suspicious=True, height=96, width=128)), "JPEG")


class Client:
    """One connection that is kept, without a library: 200 of those leave no time for the server."""

    def __init__(self, address: str, image: bytes, told: Told) -> None:
        self.host, _, self.port = address.removeprefix("http://").partition(":")
        head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: {len(image)}\r\n\r\n"
        self.request, self.told = head.encode() + image, told

    async def __aenter__(self) -> "Client":
        self.reader, self.writer = await asyncio.open_connection(self.host, int(self.port))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        await self.writer.wait_closed()

    async def ask(self) -> int:
        """Ask once; do as the response says, and wait if it says so."""
        begun = time.monotonic()
        self.writer.write(self.request)
        await self.writer.drain()
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        status = int(head.split()[1])
        length = int(head.partition("content-length: ")[2].split("\r")[0])
        body = json.loads(await self.reader.readexactly(length))
        self.told.statuses[status] += 1
        self.told.longest = max(self.told.longest, time.monotonic() - begun)
        if status == 503:
            if body["code"] != "overloaded" or "retry-after: 1\r\n" not in head:
                self.told.wrong.append(f"{body['code']}: {head}")
            await asyncio.sleep(1)
        return status


def resident_bytes(process: "Popen[bytes]") -> int:
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.serial  # 200 clients and their server keep the whole machine busy
def test_under_200_clients_an_answer_comes_soon_or_says_when_to_come_again(server: Server) -> None:
    address, process = server
    told, image = Told(), jpeg()

    async def client(until: float) -> None:
        async with Client(address, image, told) as one:
            while time.monotonic() < until:
                await one.ask()

    async def health(until: float) -> None:
        while time.monotonic() < until:
            reader, writer = await asyncio.open_connection(*address.removeprefix("http://").split(":"))
            writer.write(b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert (await asyncio.wait_for(reader.read(), MAX_WAIT_SECONDS)).startswith(b"HTTP/1.1 200")
            writer.close()
            await writer.wait_closed()
            await asyncio.sleep(1)

    async def all_of_them() -> None:
        until = time.monotonic() + SECONDS
        await asyncio.gather(health(until), *(client(until) for _ in range(CLIENTS)))

    asyncio.run(all_of_them())

    print(f"{CLIENTS} clients for {SECONDS} s: {dict(told.statuses)}, longest wait {told.longest:.2f} s")
    assert set(told.statuses) <= {200, 503}
    assert told.statuses[200] > 10 * SECONDS
    assert told.statuses[503] > 0, "all were let in, though there are more than places"
    assert told.wrong == []
    assert told.longest < MAX_WAIT_SECONDS
    assert process.poll() is None


def test_memory_is_flat_over_20_000_requests(server: Server) -> None:
    address, process = server
    told, image, seen = Told(), small_image(), []

    async def client(count: int) -> None:
        async with Client(address, image, told) as one:
            for _ in range(count):
                await one.ask()

    async def all_of_them() -> None:
        await asyncio.gather(*(client(100) for _ in range(8)))  # what is loaded with the first ones is there
        for done in range(0, REQUESTS, 800):
            seen.append((done, resident_bytes(process)))
            await asyncio.gather(*(client(100) for _ in range(8)))

    asyncio.run(all_of_them())

    done, held = np.array(seen, dtype=float).T
    half = len(done) // 2
    slope = float(np.polyfit(done[half:], held[half:], 1)[0])
    print(
        f"{REQUESTS} requests: {held[0] / 1e6:.1f}, {held[half] / 1e6:.1f} and {held[-1] / 1e6:.1f} MB at the first, "
        f"the middle and the last, {slope:+.0f} bytes a request in the second half"
    )
    assert set(told.statuses) == {200}
    assert slope < GROWTH


@pytest.mark.serial  # so many clients at once are to be answered in their time
def test_a_server_that_is_asked_to_stop_finishes_what_it_began(server: Server) -> None:
    address, process = server
    told, image = Told(), jpeg()

    async def ask_and_stop() -> list[int]:
        async with AsyncExitStack() as all_of_them:
            clients = [await all_of_them.enter_async_context(Client(address, image, told)) for _ in range(40)]
            asked = [asyncio.create_task(one.ask()) for one in clients]
            while not told.statuses:  # the first is answered, the others wait
                await asyncio.sleep(0.001)
            process.terminate()
            return await asyncio.gather(*asked)

    statuses = asyncio.run(ask_and_stop())

    assert statuses == [200] * 40
    assert process.wait(timeout=30) in (0, -15)
