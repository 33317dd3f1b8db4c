"""The client with async: the same methods, awaited."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType

import httpx

from thyroid_client import exchanges, results
from thyroid_client.http import Service, proxy_errors, read_response, without_request_log
from thyroid_client.images import ImageSource
from thyroid_client.options import DEFAULT_OPTIONS, ExplainOptions
from thyroid_client.retries import Retries
from thyroid_client.wire import Exchange, NoResponse, Request, Response, T


class AsyncClient:
    """Does what :class:`thyroid_client.Client` does, with the same parameters, for ``asyncio``.

    Reading a path and encoding pixels block the event loop; neither runs in a thread.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        timeout: float = 30.0,
        retries: int = 3,
        retry_timeout: float = 60.0,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._service = Service.at(base_url, api_key, proxied=transport is None)
        self._retries = Retries(retries, retry_timeout)
        with proxy_errors():
            self._http = httpx.AsyncClient(timeout=timeout, transport=transport)
        self._sleep = sleep

    async def health(self) -> results.Health:
        """As `Client.health`."""
        return await self._run(exchanges.health(self._retries))

    async def model_info(self) -> results.ModelInfo:
        """As `Client.model_info`."""
        return await self._run(exchanges.model_info(self._retries))

    async def predict(self, image: ImageSource) -> results.PredictResult:
        """As `Client.predict`."""
        return await self._run(exchanges.predict(self._retries, image))

    async def gradcam(self, image: ImageSource, options: ExplainOptions = DEFAULT_OPTIONS) -> results.GradCAMResult:
        """As `Client.gradcam`."""
        return await self._run(exchanges.gradcam(self._retries, image, options))

    async def analyze(self, image: ImageSource, options: ExplainOptions = DEFAULT_OPTIONS) -> results.AnalyzeResult:
        """As `Client.analyze`."""
        return await self._run(exchanges.analyze(self._retries, image, options))

    async def report_pdf(
        self, image: ImageSource, filename: str | None = None, options: ExplainOptions = DEFAULT_OPTIONS
    ) -> bytes:
        """As `Client.report_pdf`."""
        return await self._run(exchanges.report_pdf(self._retries, image, filename, options))

    async def report_json(
        self, image: ImageSource, filename: str | None = None, options: ExplainOptions = DEFAULT_OPTIONS
    ) -> results.Report:
        """As `Client.report_json`."""
        return await self._run(exchanges.report_json(self._retries, image, filename, options))

    async def upload(self, image: ImageSource, *, timeout: float = 120.0) -> results.UploadResult:
        """As `Client.upload`."""
        return await self._run(exchanges.upload(self._retries, image, timeout))

    async def result(self, upload_id: str, *, timeout: float = 120.0) -> results.UploadResult:
        """As `Client.result`."""
        return await self._run(exchanges.result(self._retries, upload_id, timeout))

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _run(self, exchange: Exchange[T]) -> T:
        try:
            step = next(exchange)
            while True:
                if step.after:
                    await self._sleep(step.after)
                step = exchange.send(await self._send(step.request))
        except StopIteration as done:
            result: T = done.value
            return result

    async def _send(self, request: Request) -> Response | NoResponse:
        ready = self._service.request(request, self._http)
        try:
            with without_request_log():
                return read_response(await self._http.send(ready))
        except httpx.RequestError as error:
            return self._service.no_response(error, ready)
