"""What a process of a batch run does with an image: read it, process it, write its result files."""

import errno
import hashlib
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from thyroid.core.analyzer import Analyzer
from thyroid.core.audit import AuditRecord
from thyroid.core.options import ExplainOptions
from thyroid.errors import ThyroidError
from thyroid.files.atomic import write_result_files
from thyroid.files.names import readable
from thyroid.files.process_image import check_size, process_image
from thyroid.files.result_files import ERROR, RESULT, Outcome, ProcessedImage, Source, without_result
from thyroid.settings import Settings

DISK_IS_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True)
class Job:
    """What all images of a run have in common.

    Attributes
    ----------
    root, results : pathlib.Path
        Where the images are, and where their results go.
    settings : Settings
        Where the model is and how large an image may be.
    options : ExplainOptions
        What is asked of the explanations, with the name of the layer.
    """

    root: Path
    results: Path
    settings: Settings
    options: ExplainOptions


@dataclass(frozen=True)
class Task:
    """An image to process, unless it is the known file and its results exist."""

    key: str
    known: tuple[int, str | None, str] | None = None  # its size and SHA-256, and that of its decision


@dataclass(frozen=True)
class Processed:
    """What became of an image."""

    bytes: int
    sha256: str | None
    outcome: Outcome
    decision_sha256: str
    record: AuditRecord | None


@dataclass(frozen=True)
class Unchanged:
    """The image is the known one."""


@dataclass(frozen=True)
class Failed:
    """The machine failed, not the image: there is no result, and the next run tries again.

    Attributes
    ----------
    reason : str
        In the system's words; it never holds a name.
    is_final : bool
        Whether every other image would fail in the same way.
    """

    reason: str
    is_final: bool = False


TaskResult = Processed | Unchanged | Failed


class Worker:
    """Processes one image after the other. It raises nothing: a traceback would show the name of the file.

    Parameters
    ----------
    job : Job
        What all images have in common.

    Raises
    ------
    ModelUnavailableError
        If no model works.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._analyzer = Analyzer(job.settings)
        self._analyzer.engine()

    def __call__(self, task: Task) -> TaskResult:
        """Process an image, and write its result files."""
        started = time.perf_counter()
        try:
            file = _read(self._job, task.key)
            read_ms = 1000 * (time.perf_counter() - started)
            folder = self._job.results / task.key
            if (file.size, file.sha256, _decision_sha256(folder)) == task.known:
                return Unchanged()
            processed = self._process(file, read_ms)
            write_result_files(folder, processed.files)
        except OSError as error:
            return _failed(error)
        return _processed(file, processed)

    def _process(self, file: "_File", read_ms: float) -> ProcessedImage:
        try:
            check_size(file.size, self._job.settings.max_upload_bytes)
            return process_image(self._analyzer, file.data, file.source, self._job.options, read_ms=read_ms)
        except ThyroidError as error:
            return without_result(error, file.source)
        except Exception as error:
            sentence = f"An error that is not the image's came up ({type(error).__name__}); run it again."
            return without_result(ThyroidError(sentence), file.source)


def start_worker(job: Job) -> Worker:
    """Prepare this process for images."""
    # Pillow's warnings quote what is written in a file, and would break the progress bar.
    warnings.simplefilter("ignore")
    return Worker(job)


def record_crash(job: Job, key: str) -> Processed | Failed:
    """Write the error of an image of which two processes died. It is read for its hash and not decoded."""
    error = ThyroidError("The process that analysed the image died twice; save it anew, or in another format.")
    try:
        file = _read(job, key)
        processed = without_result(error, file.source)
        write_result_files(job.results / key, processed.files)
    except OSError as failure:
        return _failed(failure)
    return _processed(file, processed)


@dataclass(frozen=True)
class _File:
    size: int
    sha256: str | None
    data: bytes
    source: Source


def _read(job: Job, key: str) -> _File:
    """Read an image file and hash it, unless it is over the limit: then it will be refused for its size."""
    path = job.root / key
    size, sha256, data = path.stat().st_size, None, b""
    if size <= job.settings.max_upload_bytes:
        data = path.read_bytes()
        size, sha256 = len(data), hashlib.sha256(data).hexdigest()
    return _File(size, sha256, data, Source(key=readable(key), bytes=size, sha256=sha256))


def _processed(file: _File, processed: ProcessedImage) -> Processed:
    *_, decision = processed.files.values()
    decision_sha256 = hashlib.sha256(decision).hexdigest()
    return Processed(file.size, file.sha256, processed.outcome, decision_sha256, processed.record)


def _decision_sha256(folder: Path) -> str | None:
    """Hash the existing decision.

    That there is one is not enough: a run with other options that was killed may have left it, and no line of it.
    """
    for name in (RESULT, ERROR):
        with suppress(FileNotFoundError):
            return hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return None


def _failed(error: OSError) -> Failed:
    return Failed(error.strerror or type(error).__name__, error.errno in DISK_IS_FULL)
