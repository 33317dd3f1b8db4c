"""The sizes of installed packages and of images."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

# The packages of the reference design.
REFERENCE_PACKAGES = ("fastapi", "mangum", "tensorflow-cpu", "keras", "h5py", "numpy", "pillow", "python-multipart")
OUR_IMAGE, REFERENCE_IMAGE = "healthfunction:latest", "healthreference:latest"
_BASE_IMAGE = "public.ecr.aws/lambda/python:3.13"


class NoImageError(Exception):
    """The size of a container image is not known."""


def installed_megabytes(packages: Iterable[str]) -> float:
    """Return the megabytes that the packages and their dependencies take in this environment."""
    found: dict[str, Distribution] = {}
    left = [Requirement(package) for package in packages]
    while left:
        wanted = left.pop()
        key = wanted.name.lower().replace("_", "-")
        if key in found:
            continue
        try:
            found[key] = distribution(wanted.name)
        except PackageNotFoundError:
            continue  # not needed on this machine
        extras = ("", *wanted.extras)
        for line in found[key].requires or ():
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                left.append(needed)
    files = (Path(str(file.locate())) for one in found.values() for file in one.files or ())
    return sum(path.stat().st_size for path in files if path.is_file() and path.suffix != ".pyc") / 1e6


def our_packages() -> list[str]:
    """Return the packages that the service needs: the project's dependencies without its extras."""
    needed = map(Requirement, distribution("thyroid-ultrasound").requires or ())
    return [str(one) for one in needed if "extra" not in str(one.marker or "")]


def image_megabytes(image: str) -> float:
    """Return the megabytes of a container image without its base image.

    Raises
    ------
    NoImageError
        If no Docker engine responds, or one of the images does not exist.
    """
    if not shutil.which("docker"):
        raise NoImageError("there is no Docker engine")
    sizes = []
    for name in (image, os.environ.get("BASE_IMAGE") or _BASE_IMAGE):
        done = subprocess.run(
            ["docker", "image", "inspect", "--format", "{{.Size}}", name], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NoImageError(f"no Docker engine responds, or there is no image {name}; `make e2e` builds both")
        sizes.append(int(done.stdout))
    return (sizes[0] - sizes[1]) / 1e6
