"""What the Docker engine knows of an image, and what can be seen inside it."""

import json
import re
import subprocess
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# Run inside the image: AWS's base image has Python, and hardly any other command.
LOOK_INSIDE = """
import hashlib, json, os, platform, shutil, subprocess, sys
from importlib.metadata import distributions

def sha256(file):
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()

def lines(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

# Lambda puts its runtime's folder on the path only when it starts a function.
folders = dict.fromkeys(os.path.abspath(folder) for folder in (*sys.path, os.environ.get("LAMBDA_RUNTIME_DIR", "")))
packages = [
    {"folder": str(found.locate_file("")), "metadata": found.metadata.json} for found in distributions(path=folders)
]

manager, system = None, []
if shutil.which("dpkg-query"):
    manager = "deb"
    form = "${db:Status-Status}\\t${Package}\\t${Version}\\t${Architecture}\\n"
    rows = (line.split("\\t") for line in lines("dpkg-query", "-W", "-f", form))
    system = [[name, version, arch, ""] for status, name, version, arch in rows if status == "installed"]
elif shutil.which("rpm"):
    manager = "rpm"
    form = "%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{LICENSE}\\n"
    rows = (line.split("\\t") for line in lines("rpm", "-qa", "--qf", form))
    system = [row for row in rows if row[0] != "gpg-pubkey"]

folder = os.environ["THYROID_MODEL_DIR"]
with open(os.path.join(folder, "model.json"), encoding="utf-8") as opened:
    manifest = json.load(opened)

import thyroid

print(json.dumps({
    "version": thyroid.__version__,
    "python": platform.python_version(),
    "release": platform.freedesktop_os_release(),
    "packages": packages,
    "manager": manager,
    "system": system,
    "manifest": manifest,
    "files": {name: sha256(os.path.join(folder, name)) for name in os.listdir(folder)},
}))
"""


class ImageError(Exception):
    """There is no such image, or it is not what it is said to be; the message tells what to do."""


@dataclass(frozen=True)
class Image:
    """What the Docker engine says of an image."""

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
        raise ImageError(f"The Docker engine does not answer: is it running? ({_last_line(done.stderr)})")
    (found,) = json.loads(done.stdout)
    return Image(
        identifier=found["Id"],
        digests=tuple(found.get("RepoDigests") or ()),
        layers=tuple(found["RootFS"]["Layers"]),
        created=datetime.fromisoformat(found["Created"]),
        platform=f"{found['Os']}/{found['Architecture']}",
    )


def look_inside(name: str) -> dict[str, Any]:
    """Return what :data:`LOOK_INSIDE` finds in an image.

    Raises
    ------
    ImageError
        If it is none of ours.
    """
    options = ("--rm", "--network", "none", "--read-only", "--entrypoint", "python3")
    done = _docker("run", *options, name, "-c", LOOK_INSIDE)
    if done.returncode:
        raise ImageError(f"{name} is no image of this project; run `make build` first. ({_last_line(done.stderr)})")
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
    except OSError as error:
        raise ImageError("There is no `docker` command; install the Docker engine's client.") from error
