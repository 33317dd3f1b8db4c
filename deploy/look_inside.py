"""Prints the contents of an image as JSON. The image's own Python runs the text of this file inside the image."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import thyroid


def packages() -> list[dict[str, Any]]:
    """Return the Python packages of all folders on a function's path."""
    # Lambda puts its runtime's folder on the path only when it starts a function.
    folders = dict.fromkeys(
        str(Path(folder).resolve()) for folder in (*sys.path, os.environ.get("LAMBDA_RUNTIME_DIR", ""))
    )
    return [
        {"folder": str(found.locate_file("")), "metadata": found.metadata.json}
        for found in distributions(path=list(folders))
    ]


def system_packages() -> tuple[str | None, list[list[str]]]:
    """Return the kind of the system's packages; of each its name, version, processor and licence, if known."""
    if shutil.which("dpkg-query"):
        form = "${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\n"
        rows = _rows("dpkg-query", "-W", "-f", form)
        return "deb", [[name, version, arch, ""] for status, name, version, arch in rows if status == "installed"]
    if shutil.which("rpm"):
        form = "%{NAME}\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\t%{ARCH}\t%{LICENSE}\n"
        return "rpm", [row for row in _rows("rpm", "-qa", "--qf", form) if row[0] != "gpg-pubkey"]
    return None, []


def _rows(*command: str) -> list[list[str]]:
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - the commands above
    return [line.split("\t") for line in printed.splitlines()]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    """Print the JSON."""
    folder = Path(os.environ["THYROID_MODEL_DIR"])
    manager, system = system_packages()
    found = {
        "version": thyroid.__version__,
        "python": platform.python_version(),
        "release": platform.freedesktop_os_release(),
        "packages": packages(),
        "manager": manager,
        "system": system,
        "manifest": json.loads((folder / "model.json").read_text("utf-8")),
        "files": {path.name: _sha256(path) for path in folder.iterdir()},
    }
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
