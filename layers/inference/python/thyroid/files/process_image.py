"""Bytes of a picture file to its result as files, or to the reason why it has none."""

import hashlib
import time

from thyroid.core.analyzer import Service
from thyroid.core.explain import Target
from thyroid.errors import ModelUnavailableError, PayloadTooLargeError, ThyroidError
from thyroid.files.result_files import Judgement, Source, Timings, analysed, refused


def check_size(size: int, limit: int) -> None:
    """Refuse a file before it is read.

    Raises
    ------
    PayloadTooLargeError
        If it has more bytes than the limit.
    """
    if size > limit:
        raise PayloadTooLargeError(f"The picture file is over the limit of {limit} bytes; send a smaller picture.")


def judge(
    service: Service,
    data: bytes,
    source: Source,
    *,
    read_ms: float = 0.0,
    layer_name: str | None = None,
    target: Target = "malignant",
    size: int | None = None,
) -> Judgement:
    """Analyse a picture; one that cannot be read is refused, which is a judgement as well.

    Parameters
    ----------
    service : Service
        Analyses.
    data : bytes
        The whole file.
    source : Source
        Where it came from; its size and SHA-256 are added.
    read_ms : float
        How long it took to get it.
    layer_name, target, size
        As of :meth:`thyroid.core.analyzer.Service.analyze`.

    Raises
    ------
    ModelUnavailableError
        If there is no model that works: no fault of the picture.
    """
    source = source.model_copy(update={"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    started = time.perf_counter()
    try:
        name = source.key.rpartition("/")[2]
        answer = service.analyze(data, filename=name, layer_name=layer_name, target=target, size=size)
    except ModelUnavailableError:
        raise
    except ThyroidError as error:
        return refused(error, source, service.engine().manifest.sha256)
    analyse_ms = 1000 * (time.perf_counter() - started)
    timings = Timings(read_ms=round(read_ms, 3), analyse_ms=round(analyse_ms, 3))
    return analysed(answer, source, timings, service.code_version)
