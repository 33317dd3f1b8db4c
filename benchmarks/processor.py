"""A share of a processor for a process and its children, as Lambda gives it: a quota of the kernel's control groups."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A function's share of the processor grows with its memory; with so many MB it has a whole one (AWS Lambda quotas).
WHOLE_PROCESSOR_MB = 1769

_PERIOD = 100_000  # microseconds
_VERSION_1, _VERSION_2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")


class NotAllowedError(Exception):
    """What the machine, or the user, is not allowed."""


@contextmanager
def share(processors: float | None) -> Iterator[list[str]]:
    """Make a group that gets so many processors; None for all there are.

    Yields
    ------
    list of str
        What to write before a command, so that it runs in the group.

    Raises
    ------
    NotAllowedError
        If there are no control groups that this user may make.
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
        raise NotAllowedError(f"no quota of the processor can be set here ({error.strerror}); it takes root") from error
    try:
        yield ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        group.rmdir()


def drop_page_cache() -> None:
    """Forget what is cached of all files, so that the next read is from the disk.

    Raises
    ------
    NotAllowedError
        If this user may not.
    """
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError as error:
        raise NotAllowedError(f"the page cache can't be dropped here ({error.strerror}); it takes root") from error
