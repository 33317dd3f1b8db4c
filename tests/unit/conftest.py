"""What unit tests share."""

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock


@pytest.fixture(scope="session")
def tiny_artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny network, compiled once, for all processes of a run; no test may write to it."""
    # TensorFlow takes seconds to import, so only the tests that need it pay.
    from tests.tiny import source_of, tiny_network
    from thyroid_model.compiling.compile import compile_model

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "tiny"
    with FileLock(shared / "tiny.lock"):
        if not (folder / "model").is_dir():
            folder.mkdir(exist_ok=True)
            compile_model(source_of(tiny_network(), folder), folder / "model", parity_images=4)
    return folder / "model"


@pytest.fixture
def copied_artifact(artifact: Path, tmp_path: Path) -> Path:
    """A copy of the compiled model that is served, to be written to."""
    return Path(shutil.copytree(artifact, tmp_path / "model"))
