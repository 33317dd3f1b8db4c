"""The client with async: the same methods, awaited."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType

import httpx

from thyroid_client import talks
from thyroid_client.http import Service, answer_of, proxies, quietly
from thyroid_client.pictures import Picture
from thyroid_client.results import (
    AnalyzeResult,
    GradCAMResult,
    Health,
    ModelInfo,
    PredictResult,
    Report,
    UploadResult,
)
from thyroid_client.retries import Retries
from thyroid_client.talks import Target
from thyroid_client.wire import Answer, NoAnswer, Request, T, Talk


class AsyncClient:
    """Does what :class:`thyroid_client.Client` does, with the same parameters, for ``asyncio``.

    Reading a path and encoding pixels are done at once, not in a thread.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        timeout: float = 30.0,
        retries: int = 3,
        patience: float = 60.0,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._service = Service.at(base_url, api_key, proxied=transport is None)
        self._rules = Retries(retries, patience)
        with proxies():
            self._http = httpx.AsyncClient(timeout=timeout, transport=transport)
        self._sleep = sleep

    async def health(self) -> Health:
        """As `Client.health`."""
        return await self._run(talks.health(self._rules))

    async def model_info(self) -> ModelInfo:
        """As `Client.model_info`."""
        return await self._run(talks.model_info(self._rules))

    async def predict(self, picture: Picture) -> PredictResult:
        """As `Client.predict`."""
        return await self._run(talks.predict(self._rules, picture))

    async def gradcam(
        self, picture: Picture, layer: str | None = None, target: Target | None = None, size: int | None = None
    ) -> GradCAMResult:
        """As `Client.gradcam`."""
        return await self._run(talks.gradcam(self._rules, picture, layer, target, size))

    async def analyze(
        self, picture: Picture, layer: str | None = None, target: Target | None = None, size: int | None = None
    ) -> AnalyzeResult:
        """As `Client.analyze`."""
        return await self._run(talks.analyze(self._rules, picture, layer, target, size))

    async def report_pdf(
        self,
        picture: Picture,
        filename: str | None = None,
        layer: str | None = None,
        target: Target | None = None,
        size: int | None = None,
    ) -> bytes:
        """As `Client.report_pdf`."""
        return await self._run(talks.report_pdf(self._rules, picture, filename, layer, target, size))

    async def report_json(
        self, picture: Picture, filename: str | None = None, layer: str | None = None, target: Target | None = None
    ) -> Report:
        """As `Client.report_json`."""
        return await self._run(talks.report_json(self._rules, picture, filename, layer, target))

    async def upload(self, picture: Picture, *, timeout: float = 120.0) -> UploadResult:
        """As `Client.upload`."""
        return await self._run(talks.upload(self._rules, picture, timeout))

    async def result(self, upload_id: str, *, timeout: float = 120.0) -> UploadResult:
        """As `Client.result`."""
        return await self._run(talks.result(self._rules, upload_id, timeout))

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _run(self, talk: Talk[T]) -> T:
        try:
            step = next(talk)
            while True:
                if step.after:
                    await self._sleep(step.after)
                step = talk.send(await self._send(step.request))
        except StopIteration as done:
            result: T = done.value
            return result

    async def _send(self, request: Request) -> Answer | NoAnswer:
        ready = self._service.request(request, self._http)
        try:
            with quietly():
                return answer_of(await self._http.send(ready))
        except httpx.RequestError as error:
            return self._service.no_answer(error, ready)
