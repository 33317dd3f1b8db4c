"""Bytes of an image file to its result as files, or to the reason why it has none."""

import hashlib
import time

from thyroid.core.analyzer import Analyzer
from thyroid.core.options import DEFAULT_OPTIONS, ExplainOptions
from thyroid.errors import ModelUnavailableError, PayloadTooLargeError, ThyroidError
from thyroid.files.result_files import ProcessedImage, Source, Timings, analysed, without_result


def check_size(size: int, limit: int) -> None:
    """Refuse a file before it is read.

    Raises
    ------
    PayloadTooLargeError
        If it has more bytes than the limit.
    """
    if size > limit:
        raise PayloadTooLargeError(f"The image file is over the limit of {limit} bytes; send a smaller image.")


def process_image(
    analyzer: Analyzer,
    data: bytes,
    source: Source,
    options: ExplainOptions = DEFAULT_OPTIONS,
    *,
    read_ms: float = 0.0,
) -> ProcessedImage:
    """Analyse an image; one that cannot be read is refused, which is an outcome as well.

    Parameters
    ----------
    analyzer : Analyzer
        Scores and explains.
    data : bytes
        The whole file.
    source : Source
        Where it came from; its size is added, and its SHA-256 where it is not known yet.
    options : ExplainOptions
        What is asked of the explanation.
    read_ms : float
        How long it took to get the file, in milliseconds.

    Raises
    ------
    ModelUnavailableError
        If there is no model that works: no fault of the image.
    """
    model_sha256 = analyzer.engine().manifest.sha256
    sha256 = source.sha256 or hashlib.sha256(data).hexdigest()
    source = source.model_copy(update={"bytes": len(data), "sha256": sha256})
    started = time.perf_counter()
    try:
        analysis = analyzer.explain(data, options, sha256=sha256)
    except ModelUnavailableError:
        raise
    except ThyroidError as error:
        return without_result(error, source, model_sha256)
    analyse_ms = 1000 * (time.perf_counter() - started)
    return analysed(analysis, source, Timings(read_ms=round(read_ms, 3), analyse_ms=round(analyse_ms, 3)))
