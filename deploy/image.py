"""What the Docker engine knows of an image, and what the image contains."""

import json
import re
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

# Run inside the image: AWS's base image has Python, and hardly any other command.
LOOK_INSIDE = Path(__file__).with_name("look_inside.py")


class ImageError(Exception):
    """There is no such image, or it is not the expected one; the message says what to do."""


@dataclass(frozen=True)
class Image:
    """The Docker engine's description of an image."""

    identifier: str
    digests: tuple[str, ...]
    layers: tuple[str, ...]
    created: datetime
    platform: str

    @property
    def sha256(self) -> str:
        """The hash by which the engine knows the image, without its algorithm."""
        return self.identifier.removeprefix("sha256:")


def inspect(name: str) -> Image | None:
    """Ask the Docker engine about an image; None if it has none of that name."""
    done = _docker("image", "inspect", name)
    if done.returncode:
        if re.search("no such (image|object)", done.stderr, re.IGNORECASE):
            return None
        raise ImageError(f"The Docker engine does not respond: is it running? ({_last_line(done.stderr)})")
    (found,) = json.loads(done.stdout)
    return Image(
        identifier=found["Id"],
        digests=tuple(found.get("RepoDigests") or ()),
        layers=tuple(found["RootFS"]["Layers"]),
        created=datetime.fromisoformat(found["Created"]),
        platform=f"{found['Os']}/{found['Architecture']}",
    )


def look_inside(name: str) -> dict[str, Any]:
    """Return what :mod:`deploy.look_inside` finds in an image.

    Raises
    ------
    ImageError
        If the image is not one of this project.
    """
    options = ("--rm", "--network", "none", "--read-only", "--entrypoint", "python3")
    done = _docker("run", *options, name, "-c", LOOK_INSIDE.read_text("utf-8"))
    if done.returncode:
        raise ImageError(f"{name} is not an image of this project; run `make build` first. ({_last_line(done.stderr)})")
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no output"])[-1]


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["docker", *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the callers are in this module
    except OSError as error:
        raise ImageError("There is no `docker` command; install the Docker engine's client.") from error
