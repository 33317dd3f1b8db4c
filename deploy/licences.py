"""The licences of what is served; ``python -m deploy.licences`` rewrites their table in ``docs/licences.md``."""

import re
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from cyclonedx.spdx import fixup_id, is_expression

from deploy.locks import LockError, pins

ROOT = Path(__file__).parents[1]
SERVED = ROOT / "functions" / "requirements.txt"
TABLE = ROOT / "docs" / "licences.md"
BEGIN, END = "<!-- packages: begin -->", "<!-- packages: end -->"

# Names that packages use for their licences, and the SPDX identifiers.
SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",  # those below have the text of 2.0; 1.1 is not in use any more
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}

# Packages that name no licence, or none that SPDX knows, and what their licence files say.
LOOKED_UP = {"python-dateutil": "BSD-3-Clause OR Apache-2.0", "reportlab": "BSD-3-Clause"}

# What the name of the licence does not say, from the packages' own licence files.
NOTES = {
    "ai-edge-litert": "its libraries have parts of TensorFlow and others linked in, under the licences of these",
    "aws-lambda-powertools": "its licence file is MIT-0, which does not even ask for the notice",
    "backports-strenum": "its licence file is Python's (PSF-2.0), whose code it is",
    "botocore": "brings certificates, MPL-2.0, and parts of requests (Apache-2.0) and urllib3 (MIT)",
    "fastapi-offline": "brings Swagger UI (Apache-2.0) and ReDoc (MIT), which `/docs` and `/redoc` send to browsers",
    "flatbuffers": "has no licence file in its wheel; the text is the one beside `ai-edge-litert`",
    "ml-dtypes": "brings Eigen, MPL-2.0: changed files of it would have to be published; we change none",
    "numpy": "brings OpenBLAS and LAPACK (BSD), and in them libgfortran, GPL-3.0-or-later WITH GCC-exception-3.1: "
    "the exception frees what is linked with it",
    "pillow": "brings its image libraries, under permissive licences; of FreeType's two licences the FTL applies, "
    "which requires this notice: *portions of this software are copyright © The FreeType Project "
    "(www.freetype.org). All rights reserved.*",
    "python-dateutil": "BSD-3-Clause for all of it; what is newer than 2017 also Apache-2.0",
    "reportlab": "brings fonts that are not used, one of them GPL-2.0-or-later: the image is built without these",
    "tqdm": "MPL-2.0: changed files of it would have to be published; we change none",
}


class LicenceError(Exception):
    """A licence is unknown; the message says what to do."""


def licence_of(metadata: Mapping[str, Any]) -> str | None:
    """Return a package's licence, by its SPDX name where it has one.

    Parameters
    ----------
    metadata : mapping
        As :attr:`importlib.metadata.PackageMetadata.json` returns it. The licence expression comes first, then the
        free text, then the classifiers; none of them for packages in :data:`LOOKED_UP`.
    """
    looked_up = LOOKED_UP.get(normalised(metadata.get("name", "")))
    if looked_up:
        return looked_up
    stated = (metadata.get("license_expression") or metadata.get("license") or "").strip()
    if stated and "\n" not in stated:  # some put the whole text there
        return _spdx(stated)
    named = [text.rpartition(" :: ")[2] for text in metadata.get("classifier", []) if text.startswith("License :: ")]
    return " OR ".join(_spdx(name) for name in named) or None


def is_spdx(licence: str) -> bool:
    """Tell whether a licence is a name or an expression of SPDX."""
    return fixup_id(licence) is not None or is_expression(licence)


def _spdx(licence: str) -> str:
    return fixup_id(licence) or SPDX.get(licence, licence)


def normalised(name: str) -> str:
    """Return a package's name as lock files write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence_table() -> str:
    """Return the table of the packages that are served, as Markdown.

    Names and versions are those of the lock file; the licences are read in the environment that this runs in, where
    another Python may have another version of a package.

    Raises
    ------
    LicenceError
        If a package is not installed here, or does not name its licence.
    """
    rows = ["| package | version | licence | worth knowing |", "|---|---|---|---|"]
    for name, release, _ in pins(SERVED):
        try:
            licence = licence_of(distribution(name).metadata.json)
        except PackageNotFoundError as error:
            raise LicenceError(
                f"{name} is not installed here; use the environment that `make test` sets up."
            ) from error
        if not licence or not is_spdx(licence):
            raise LicenceError(
                f"{name} names its licence as {licence!r}; read its licence file, and add it to LOOKED_UP."
            )
        rows.append(f"| {name} | {release} | {licence} | {NOTES.get(name, '')} |")
    return "\n".join(rows)


def write_licence_table() -> None:
    """Put the table into ``docs/licences.md``, between its markers."""
    before, _, rest = TABLE.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise LicenceError(f"{TABLE.name} has lost its markers; put back a line {BEGIN} and a line {END}.")
    TABLE.write_text(f"{before}{BEGIN}\n{licence_table()}\n{END}{after}", "utf-8")


def main() -> int:
    """Write the table; return the exit status."""
    try:
        write_licence_table()
    except (LicenceError, LockError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
