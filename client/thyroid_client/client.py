"""The client without async."""

import time
from collections.abc import Callable
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


class Client:
    """Asks a thyroid ultrasound service. Research and education only, never a diagnosis.

    Threads may share one. It holds connections open: use it in a ``with`` statement, or `close` it.

    Parameters
    ----------
    base_url : str
        Where the service is, stage and all: ``https://ADDRESS/prod``, ``http://localhost:8000``.
    api_key : str, optional
        Asked for where the service is deployed, not on a laptop.
    timeout : float
        Seconds that a connection, or a pause of an answer, may take. The gateway gives up after 29.
    retries : int
        New tries after a request that was turned away (429, 502, 503, 504) or never left. All requests are safe to
        repeat (:mod:`thyroid_client.retries`).
    patience : float
        Seconds after a request's first try in which a new one may begin, whatever ``Retry-After`` says.
    transport : httpx.BaseTransport, optional
        How requests are sent. Left out: by the network, with the proxies that the environment names.
    sleep : callable
        Waits for so many seconds.

    Raises
    ------
    ValueError
        If `base_url` is no address, `api_key` can be none, or the environment names proxies that cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        timeout: float = 30.0,
        retries: int = 3,
        patience: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._service = Service.at(base_url, api_key, proxied=transport is None)
        self._rules = Retries(retries, patience)
        with proxies():
            self._http = httpx.Client(timeout=timeout, transport=transport)
        self._sleep = sleep

    def health(self) -> Health:
        """Ask whether the service works; one that does not answers so, with `model_loaded` False."""
        return self._run(talks.health(self._rules))

    def model_info(self) -> ModelInfo:
        """Ask which model answers, and which layers it can explain."""
        return self._run(talks.model_info(self._rules))

    def predict(self, picture: Picture) -> PredictResult:
        """Have a picture scored: class, malignancy score, risk band and recommendation.

        Parameters
        ----------
        picture : str, path, bytes, binary file, PIL.Image.Image or numpy.ndarray
            A picture file of 4,669,440 bytes at most, or pixels: uint8, or floats in [0, 1], grey or RGB
            (:func:`thyroid_client.pictures.file_of`). No file name is ever sent.

        Raises
        ------
        ThyroidAPIError
            One of its kinds (:mod:`thyroid_client.errors`).
        TypeError
            If `picture` is nothing that can be one, such as a file that is open as text.
        OSError
            If it is a path that cannot be read.
        """
        return self._run(talks.predict(self._rules, picture))

    def gradcam(
        self, picture: Picture, layer: str | None = None, target: Target | None = None, size: int | None = None
    ) -> GradCAMResult:
        """Have a picture explained.

        Parameters
        ----------
        picture
            As in `predict`.
        layer : str, optional
            One of `model_info().conv_layers`; the model's default layer if left out.
        target : {'malignant', 'benign'}, optional
            The class whose evidence is shown; malignant if left out.
        size : int, optional
            Longest side of the pictures given back, 64 to 1024; 224 × 224, whatever the shape, if left out.

        Raises
        ------
        ThyroidAPIError, TypeError, OSError
            As in `predict`.
        """
        return self._run(talks.gradcam(self._rules, picture, layer, target, size))

    def analyze(
        self, picture: Picture, layer: str | None = None, target: Target | None = None, size: int | None = None
    ) -> AnalyzeResult:
        """Have a picture scored and explained in one answer; without the explanation, that is `predict`.

        Parameters
        ----------
        picture, layer, target, size
            As in `gradcam`.

        Raises
        ------
        ThyroidAPIError, TypeError, OSError
            As in `predict`.
        """
        return self._run(talks.analyze(self._rules, picture, layer, target, size))

    def report_pdf(
        self,
        picture: Picture,
        filename: str | None = None,
        layer: str | None = None,
        target: Target | None = None,
        size: int | None = None,
    ) -> bytes:
        """Have a page written about a picture, as a PDF file to be kept.

        Parameters
        ----------
        picture
            As in `predict`; with the form around it, up to 4,668,928 bytes.
        filename : str, optional
            What the page calls the picture. Nothing is sent of a path's own name.
        layer, target
            As in `gradcam`.
        size : int, optional
            Longest side of the page's pictures in pixels, 64 to 800; 512 if left out.

        Raises
        ------
        ThyroidAPIError, TypeError, OSError
            As in `predict`.
        """
        return self._run(talks.report_pdf(self._rules, picture, filename, layer, target, size))

    def report_json(
        self,
        picture: Picture,
        filename: str | None = None,
        layer: str | None = None,
        target: Target | None = None,
    ) -> Report:
        """Have told what the page of `report_pdf` would say, without its pictures.

        Parameters
        ----------
        picture, filename, layer, target
            As in `report_pdf`.

        Raises
        ------
        ThyroidAPIError, TypeError, OSError
            As in `predict`.
        """
        return self._run(talks.report_json(self._rules, picture, filename, layer, target))

    def upload(self, picture: Picture, *, timeout: float = 120.0) -> UploadResult:
        """Have a picture analysed that no request takes, up to 33,554,432 bytes: by a link, and waiting for the result.

        Parameters
        ----------
        picture
            As in `predict`, but larger.
        timeout : float
            Seconds to wait for the result, once the picture is sent.

        Raises
        ------
        NotReady
            If there is no result by then; it names the upload, which `result` asks for.
        ThyroidAPIError, TypeError, OSError
            As in `predict`.
        """
        return self._run(talks.upload(self._rules, picture, timeout))

    def result(self, upload_id: str, *, timeout: float = 120.0) -> UploadResult:
        """Wait for the result of a picture that was uploaded before.

        Parameters
        ----------
        upload_id : str
            What `NotReady` named, or the service's ``id``.
        timeout : float
            Seconds.

        Raises
        ------
        NotReady
            If there is none by then.
        ThyroidAPIError
            As in `predict`.
        """
        return self._run(talks.result(self._rules, upload_id, timeout))

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, talk: Talk[T]) -> T:
        try:
            step = next(talk)
            while True:
                if step.after:
                    self._sleep(step.after)
                step = talk.send(self._send(step.request))
        except StopIteration as done:
            result: T = done.value
            return result

    def _send(self, request: Request) -> Answer | NoAnswer:
        ready = self._service.request(request, self._http)
        try:
            with quietly():
                return answer_of(self._http.send(ready))
        except httpx.RequestError as error:
            return self._service.no_answer(error, ready)
