"""What a process does with a picture of a folder: read it, judge it, put the results in their place."""

import errno
import hashlib
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from thyroid.core.analyzer import Service
from thyroid.core.audit import AuditRecord
from thyroid.core.explain import Target
from thyroid.errors import ThyroidError
from thyroid.files.atomic import place
from thyroid.files.names import readable
from thyroid.files.process_image import check_size, judge
from thyroid.files.result_files import ERROR, RESULT, Judgement, Outcome, Source, refused
from thyroid.settings import Settings

DISK_IS_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True)
class Job:
    """What all pictures of a run have in common.

    Attributes
    ----------
    root, results : pathlib.Path
        Where the pictures are, and where their results go.
    settings : Settings
        Where the model is and how large a picture may be.
    layer, target, size
        As ``layer_name``, ``target`` and ``size`` of :meth:`thyroid.core.analyzer.Service.analyze`.
    """

    root: Path
    results: Path
    settings: Settings
    layer: str
    target: Target = "malignant"
    size: int | None = None


@dataclass(frozen=True)
class Task:
    """A picture to be judged, unless it is the file that is known, whose results are there."""

    key: str
    known: tuple[int, str | None, str] | None = None  # its size and SHA-256, and that of its decision


@dataclass(frozen=True)
class Judged:
    """What became of a picture."""

    bytes: int
    sha256: str | None
    outcome: Outcome
    decision_sha256: str
    audit: tuple[AuditRecord, ...] = ()


@dataclass(frozen=True)
class Unchanged:
    """The picture is the one that is known."""


@dataclass(frozen=True)
class Failed:
    """The machine failed, not the picture: there is no result, and the next run tries again.

    Attributes
    ----------
    reason : str
        In the system's words; it never holds a name.
    is_final : bool
        Whether every other picture would fail in the same way.
    """

    reason: str
    is_final: bool = False


Reply = Judged | Unchanged | Failed


class Worker:
    """Judges one picture after the other, and raises nothing meanwhile: a traceback would show the name of the file.

    Parameters
    ----------
    job : Job
        What all pictures have in common.

    Raises
    ------
    ModelUnavailableError
        If there is no model that works.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._records: list[AuditRecord] = []
        self._service = Service(job.settings, audit=self._records.append)
        self._service.engine()

    def __call__(self, task: Task) -> Reply:
        """Judge a picture, and put the files that say so in their place."""
        self._records.clear()
        started = time.perf_counter()
        try:
            file = _read(self._job, task.key)
            read_ms = 1000 * (time.perf_counter() - started)
            folder = self._job.results / task.key
            if (file.size, file.sha256, _decision_sha256(folder)) == task.known:
                return Unchanged()
            judgement = self._judge(task.key, file, read_ms)
            place(folder, judgement.files)
        except OSError as error:
            return _failed(error)
        return _judged(file, judgement, tuple(self._records))

    def _judge(self, key: str, file: "_File", read_ms: float) -> Judgement:
        job, source = self._job, _source(key, file)
        try:
            check_size(file.size, job.settings.max_upload_bytes)
            return judge(
                self._service,
                file.data,
                source,
                read_ms=read_ms,
                layer_name=job.layer,
                target=job.target,
                size=job.size,
            )
        except ThyroidError as error:
            return refused(error, source)
        except Exception as error:
            kind = type(error).__name__
            return refused(ThyroidError(f"An error that is not the picture's came up ({kind}); run it again."), source)


def open_worker(job: Job) -> Worker:
    """Make this process ready to judge pictures."""
    # Pillow's warnings quote what is written in a file, and would tear the progress bar.
    warnings.simplefilter("ignore")
    return Worker(job)


def refuse_deadly(job: Job, key: str) -> Judged | Failed:
    """Write down that whoever tries a picture dies of it. It is read for its hash and not decoded."""
    error = ThyroidError("Twice the process that analysed the picture died; save it anew, or in another format.")
    try:
        file = _read(job, key)
        judgement = refused(error, _source(key, file))
        place(job.results / key, judgement.files)
    except OSError as failure:
        return _failed(failure)
    return _judged(file, judgement)


@dataclass(frozen=True)
class _File:
    size: int
    sha256: str | None
    data: bytes


def _read(job: Job, key: str) -> _File:
    path = job.root / key
    size = path.stat().st_size
    if size > job.settings.max_upload_bytes:
        return _File(size, None, b"")  # it will be refused for its size
    data = path.read_bytes()
    return _File(len(data), hashlib.sha256(data).hexdigest(), data)


def _source(key: str, file: _File) -> Source:
    return Source(key=readable(key), bytes=file.size, sha256=file.sha256)


def _judged(file: _File, judgement: Judgement, audit: tuple[AuditRecord, ...] = ()) -> Judged:
    *_, decision = judgement.files.values()
    return Judged(file.size, file.sha256, judgement.outcome, hashlib.sha256(decision).hexdigest(), audit)


def _decision_sha256(folder: Path) -> str | None:
    """Hash the decision that lies there.

    That there is one is not enough: a run with other options that was killed may have left it, and no line of it.
    """
    for name in (RESULT, ERROR):
        with suppress(FileNotFoundError):
            return hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return None


def _failed(error: OSError) -> Failed:
    return Failed(error.strerror or type(error).__name__, error.errno in DISK_IS_FULL)
