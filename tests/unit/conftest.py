"""What unit tests share."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny network, compiled once; no test may write to it."""
    # TensorFlow takes seconds to import, so only the tests that need it pay.
    from tests.tiny import source_of, tiny_network
    from thyroid_model.compile import compile_model

    folder = tmp_path_factory.mktemp("tiny")
    compile_model(source_of(tiny_network(), folder), folder / "model", parity_pictures=4)
    return folder / "model"


@pytest.fixture
def copied_artifact(artifact: Path, tmp_path: Path) -> Path:
    """A copy of the compiled model that is served, to be written to."""
    return Path(shutil.copytree(artifact, tmp_path / "model"))
