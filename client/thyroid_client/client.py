"""The client without async."""

import time
from collections.abc import Callable
from types import TracebackType

import httpx

from thyroid_client import exchanges, results
from thyroid_client.http import Service, proxy_errors, read_response, without_request_log
from thyroid_client.images import ImageSource
from thyroid_client.options import DEFAULT_OPTIONS, ExplainOptions
from thyroid_client.retries import Retries
from thyroid_client.wire import Exchange, NoResponse, Request, Response, T


class Client:
    """Client of a thyroid ultrasound service. Research and education only, never a diagnosis.

    Threads may share a client. It keeps connections open: use it in a ``with`` statement, or `close` it.

    Parameters
    ----------
    base_url : str
        Where the service is, stage and all: ``https://ADDRESS/prod``, ``http://localhost:8000``.
    api_key : str, optional
        Needed where the service is deployed, not for a local server.
    timeout : float
        Seconds that connecting, or a pause within a response, may take. The gateway ends a request after 29.
    retries : int
        Attempts after a request that was rejected with 429, 502, 503 or 504, or that never left. All requests are safe
        to repeat (:mod:`thyroid_client.retries`).
    retry_timeout : float
        Seconds after a request's first attempt in which a new one may start, whatever ``Retry-After`` says.
    transport : httpx.BaseTransport, optional
        How requests are sent; over the network and the proxies that the environment names, if left out.
    sleep : callable
        Waits for so many seconds.

    Raises
    ------
    ValueError
        If `base_url` or `api_key` is invalid, or the environment names proxies that cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        timeout: float = 30.0,
        retries: int = 3,
        retry_timeout: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._service = Service.at(base_url, api_key, proxied=transport is None)
        self._retries = Retries(retries, retry_timeout)
        with proxy_errors():
            self._http = httpx.Client(timeout=timeout, transport=transport)
        self._sleep = sleep

    def health(self) -> results.Health:
        """Ask whether the service works; `model_loaded` is False where it does not."""
        return self._run(exchanges.health(self._retries))

    def model_info(self) -> results.ModelInfo:
        """Ask which model the service has, and which layers it can explain."""
        return self._run(exchanges.model_info(self._retries))

    def predict(self, image: ImageSource) -> results.PredictResult:
        """Score an image: class, malignancy score, risk band and recommendation.

        Parameters
        ----------
        image : str, path, bytes, binary file, PIL.Image.Image or numpy.ndarray
            An image file of 4,669,440 bytes at most, or pixels: uint8, or floats in [0, 1], grey or RGB
            (:func:`thyroid_client.images.image_bytes`). No file name is ever sent.

        Raises
        ------
        ThyroidAPIError
            One of its subclasses (:mod:`thyroid_client.errors`).
        TypeError
            If `image` is of another type, such as a file that is open as text.
        OSError
            If it is a path that cannot be read.
        """
        return self._run(exchanges.predict(self._retries, image))

    def gradcam(self, image: ImageSource, options: ExplainOptions = DEFAULT_OPTIONS) -> results.GradCAMResult:
        """Explain the score of an image by Grad-CAM.

        Parameters
        ----------
        image
            As in `predict`.
        options : ExplainOptions
            What is asked of the map.

        Raises
        ------
        ThyroidAPIError, TypeError, OSError
            As in `predict`.
        """
        return self._run(exchanges.gradcam(self._retries, image, options))

    def analyze(self, image: ImageSource, options: ExplainOptions = DEFAULT_OPTIONS) -> results.AnalyzeResult:
        """Score an image and explain the score, in one response.

        Parameters
        ----------
        image, options
            As in `gradcam`.

        Raises
        ------
        ThyroidAPIError, TypeError, OSError
            As in `predict`.
        """
        return self._run(exchanges.analyze(self._retries, image, options))

    def report_pdf(
        self, image: ImageSource, filename: str | None = None, options: ExplainOptions = DEFAULT_OPTIONS
    ) -> bytes:
        """Get a one-page report on an image as a PDF file.

        Parameters
        ----------
        image
            As in `predict`, but up to 4,668,928 bytes: a form is around it.
        filename : str, optional
            Name of the image on the page. A path's own name is never sent.
        options : ExplainOptions
            As in `gradcam`, but for a `size` of 64 to 800 pixels, 512 if left out.

        Raises
        ------
        ThyroidAPIError, TypeError, OSError
            As in `predict`.
        """
        return self._run(exchanges.report_pdf(self._retries, image, filename, options))

    def report_json(
        self, image: ImageSource, filename: str | None = None, options: ExplainOptions = DEFAULT_OPTIONS
    ) -> results.Report:
        """Get the content of the page of `report_pdf` as fields, without its images.

        Parameters
        ----------
        image, filename, options
            As in `report_pdf`.

        Raises
        ------
        ThyroidAPIError, TypeError, OSError
            As in `predict`.
        """
        return self._run(exchanges.report_json(self._retries, image, filename, options))

    def upload(self, image: ImageSource, *, timeout: float = 120.0) -> results.UploadResult:
        """Analyse an image of up to 33,554,432 bytes, more than a request may have; send it by a link and wait.

        Parameters
        ----------
        image
            As in `predict`, but up to 33,554,432 bytes.
        timeout : float
            Seconds to wait for the result after the image is sent.

        Raises
        ------
        NotReady
            If there is no result by then. Its `upload_id` is the argument of `result`.
        ThyroidAPIError, TypeError, OSError
            As in `predict`.
        """
        return self._run(exchanges.upload(self._retries, image, timeout))

    def result(self, upload_id: str, *, timeout: float = 120.0) -> results.UploadResult:
        """Wait for the result of an image that was uploaded before.

        Parameters
        ----------
        upload_id : str
            `NotReady.upload_id`, or the ``id`` of the service's response.
        timeout : float
            Seconds.

        Raises
        ------
        NotReady
            If there is no result by then.
        ThyroidAPIError
            As in `predict`.
        """
        return self._run(exchanges.result(self._retries, upload_id, timeout))

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, exchange: Exchange[T]) -> T:
        try:
            step = next(exchange)
            while True:
                if step.after:
                    self._sleep(step.after)
                step = exchange.send(self._send(step.request))
        except StopIteration as done:
            result: T = done.value
            return result

    def _send(self, request: Request) -> Response | NoResponse:
        ready = self._service.request(request, self._http)
        try:
            with without_request_log():
                return read_response(self._http.send(ready))
        except httpx.RequestError as error:
            return self._service.no_response(error, ready)
