"""A share of a processor for a process and its children, as in Lambda: a CPU quota of Linux control groups."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A function's share of the processor grows with its memory; at so many MB it has a whole one (AWS Lambda quotas).
WHOLE_PROCESSOR_MB = 1769

_PERIOD = 100_000  # microseconds
_VERSION_1, _VERSION_2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")


class NotAllowedError(Exception):
    """The machine or the user does not allow it."""


@contextmanager
def share(processors: float | None) -> Iterator[list[str]]:
    """Create a control group with so many processors; None for no limit.

    Yields
    ------
    list of str
        Prefix of a command that runs it in the group.

    Raises
    ------
    NotAllowedError
        If this user may not create control groups.
    """
    if processors is None:
        yield []
        return
    root = _VERSION_1 if (_VERSION_1 / "cpu.cfs_quota_us").exists() else _VERSION_2
    group = root / f"thyroid-bench-{uuid.uuid4().hex[:8]}"
    try:
        group.mkdir()
        quota = round(processors * _PERIOD)
        if root == _VERSION_1:
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {_PERIOD}")
    except OSError as error:
        if group.exists():
            group.rmdir()
        raise NotAllowedError(f"no CPU quota can be set here ({error.strerror}); it takes root") from error
    try:
        yield ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        group.rmdir()


def drop_page_cache() -> None:
    """Drop the page cache, so that the next read of any file is from the disk.

    Raises
    ------
    NotAllowedError
        If this user may not do so.
    """
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError as error:
        raise NotAllowedError(f"the page cache can't be dropped here ({error.strerror}); it takes root") from error
