"""What tests share."""

import os
import signal
from functools import lru_cache, wraps
from pathlib import Path

import pytest

from thyroid import phantom
from thyroid.core.manifest import MANIFEST_FILE
from thyroid.settings import get_settings

# A shell starts what runs in its background (`make test &`) with interrupts ignored, and so would all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Where tests run beside each other, each process has a core. With threads for all cores they wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(library, "1")


# A phantom takes a third of a second, and many tests begin with the same. Its own tests make each anew.
_kept_phantoms = lru_cache(maxsize=128)(phantom.make)


@wraps(phantom.make)
def _make(seed: int, *, suspicious: bool, height: int = 400, width: int = 600) -> phantom.Pixels:
    return _kept_phantoms(seed, suspicious=suspicious, height=height, width=width).copy()


phantom.make = _make

# Begun last, a file that takes long would run in one process while the others have nothing left to do.
SLOWEST_FILES = [
    "test_hostile_images",
    "test_load",
    "test_every_fault_of_aws",
    "test_fuzzed_requests",
    "test_train",
    "test_worker",
    "test_evaluate",
    "test_privacy_of_processes",
    "test_fit",
    "test_compile",
    "test_training_run",
    "test_gradients",
    "test_input_check",
    "test_command_line",
    "test_differential",
    "test_faults_of_the_artifact",
    "test_faults_of_aws",
    "test_run",
    "test_litert_engine",
    "test_access",
    "test_hostile_requests",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    places = {name: place for place, name in enumerate(SLOWEST_FILES)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


@pytest.fixture(scope="session")
def artifact() -> Path:
    """The folder of the compiled model that the process serves."""
    folder = get_settings().model_dir
    if not (folder / MANIFEST_FILE).is_file():
        pytest.fail(f"There is no compiled model in {folder}; run `make model` first.")
    return folder
