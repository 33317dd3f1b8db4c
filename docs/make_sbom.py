"""Writes what the serving image is made of: an SBOM (CycloneDX 1.6, JSON), and the licence table of the docs.

``python -m docs.make_sbom --image healthfunction:latest --out build/sbom.cdx.json`` with a built image (``make build``)
and the Docker engine at hand. ``python -m docs.make_sbom --licences`` writes the table in ``docs/licences.md`` anew,
and needs no image.

The same image gives the same bytes: serial number and time are the image's own.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType, Pedigree
from cyclonedx.model.license import License
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.spdx import fixup_id, is_expression
from packageurl import PackageURL

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "template.yaml"
SERVED = ROOT / "functions" / "requirements.txt"
BUNDLED_WEIGHTS = ROOT / "layers" / "model" / "thyroid_model" / "bundled" / "model.keras"
LICENCES = ROOT / "docs" / "licences.md"
BEGIN, END = "<!-- packages: begin -->", "<!-- packages: end -->"

APPLICATION = "thyroid-ultrasound"
OUR_LICENCE = "MIT"
OUR_PACKAGES = "/opt/python"

# What packages call their licences instead of naming them by SPDX.
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

# Packages that name no licence, and what their licence files say.
LOOKED_UP = {"python-dateutil": "BSD-3-Clause OR Apache-2.0"}

# What the name of the licence does not tell. Read in the packages' own licence files.
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
    "pillow": "brings its picture libraries, under permissive licences; of FreeType's two it is the FTL that holds, "
    "which asks to be named: *portions of this software are copyright © The FreeType Project "
    "(www.freetype.org). All rights reserved.*",
    "python-dateutil": "BSD-3-Clause for all of it; what is newer than 2017 also Apache-2.0",
    "tqdm": "MPL-2.0: changed files of it would have to be published; we change none",
}

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


class SbomError(Exception):
    """There is nothing to describe, or it is not what it is said to be; the message tells what to do."""


# --- licences --------------------------------------------------------------------------------------------------------


def licence_of(metadata: Mapping[str, Any]) -> str | None:
    """Return a package's licence, by its SPDX name where it has one.

    Parameters
    ----------
    metadata : mapping
        As :attr:`importlib.metadata.PackageMetadata.json` gives it. The licence expression is asked first, then the
        free text, then the classifiers; none of them for what is in :data:`LOOKED_UP`.
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


def _licences(*names: str | None) -> list[License]:
    return [LicenseFactory().make_from_string(name) for name in names if name]


# --- the image -------------------------------------------------------------------------------------------------------


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
        raise SbomError(f"The Docker engine does not answer: is it running? ({_last_line(done.stderr)})")
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
    SbomError
        If it is none of ours.
    """
    options = ("--rm", "--network", "none", "--read-only", "--entrypoint", "python3")
    done = _docker("run", *options, name, "-c", LOOK_INSIDE)
    if done.returncode:
        raise SbomError(f"{name} is no image of this project; run `make build` first. ({_last_line(done.stderr)})")
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def default_base() -> str:
    """Return the base image that the template builds on where no other is asked for."""
    found = re.search(
        r"^  BaseImage:\n    Type: String\n    Default: (\S+)$", TEMPLATE.read_text("utf-8"), re.MULTILINE
    )
    if not found:
        raise SbomError("template.yaml names no base image any more; say which one it was with --base.")
    return found.group(1)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
    except OSError as error:
        raise SbomError("There is no `docker` command; install the Docker engine's client.") from error


# --- the SBOM --------------------------------------------------------------------------------------------------------


def sbom(name: str, base: str) -> str:
    """Describe an image.

    Parameters
    ----------
    name : str
        The image's name, with its tag.
    base : str
        The name of the image that it was built on.

    Returns
    -------
    str
        CycloneDX 1.6 as JSON.

    Raises
    ------
    SbomError
        If there is no such image, it is none of ours, or was built on another base.
    """
    image = inspect(name)
    if image is None:
        raise SbomError(f"There is no image {name}; run `make build` first.")
    content = look_inside(name)

    container = Component(
        type=ComponentType.CONTAINER,
        name=_reference(name)[0],
        version=image.identifier,
        bom_ref="image",
        description="The image of all functions, as AWS Lambda runs it.",
        hashes=[_sha256(image.sha256)],
        properties=[Property(name="platform", value=image.platform)],
    )
    application = Component(
        type=ComponentType.APPLICATION,
        name=APPLICATION,
        version=content["version"],
        bom_ref="application",
        licenses=_licences(OUR_LICENCE),
    )
    model = _model(content)
    base_image = _base(base, image)
    ours = [_package(package) for package in content["packages"] if _is_ours(package)]
    theirs = [_package(package) for package in content["packages"] if not _is_ours(package)]
    theirs += [_operating_system(content), _interpreter(content), *_system_packages(content)]

    bom = Bom(
        serial_number=uuid5(NAMESPACE_URL, image.identifier),
        metadata=BomMetaData(
            timestamp=image.created,
            component=container,
            tools=ToolRepository(
                components=[
                    Component(
                        type=ComponentType.LIBRARY,
                        name="cyclonedx-python-lib",
                        version=version("cyclonedx-python-lib"),
                        bom_ref="tool",
                    )
                ]
            ),
            properties=[Property(name="system packages", value=content["manager"] or "unknown")],
        ),
        components=[application, model, base_image, *ours, *theirs],
    )
    # Who brought what: the lists are flat, since not every scanner reads nested ones.
    bom.register_dependency(container, [application, base_image])
    bom.register_dependency(application, [model, *ours])
    bom.register_dependency(base_image, theirs)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _is_ours(package: Mapping[str, Any]) -> bool:
    return bool(package["folder"] == OUR_PACKAGES)


def _package(package: Mapping[str, Any]) -> Component:
    metadata = package["metadata"]
    name, release = normalised(metadata["name"]), metadata["version"]
    purl = PackageURL("pypi", name=name, version=release)
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=release,
        purl=purl,
        # The base image may bring a package that we bring, too.
        bom_ref=purl.to_string() if _is_ours(package) else f"{purl.to_string()}#{package['folder'].strip('/')}",
        licenses=_licences(licence_of(metadata)),
        properties=[Property(name="folder", value=package["folder"])],
    )


def _base(name: str, image: Image) -> Component:
    """Describe the base image; if the engine has it, it must be the one, and its digest is known."""
    repository, tag, digest = _reference(name)
    base = inspect(name)
    if base is not None:
        if image.layers[: len(base.layers)] != base.layers:
            raise SbomError(f"The image was not built on {name}; say with --base what it was built on.")
        digest = digest or next((_reference(known)[2] for known in base.digests), "")
    where = {"repository_url": repository, "tag": tag}
    return Component(
        type=ComponentType.CONTAINER,
        name=repository,
        version=digest or tag,
        bom_ref="base-image",
        purl=PackageURL("oci", None, repository.rpartition("/")[2], digest, where) if digest else None,
        description="What the image was built on: operating system, Python, Lambda's runtime client.",
        hashes=[_sha256(digest.removeprefix("sha256:"))] if digest else [],
        properties=[
            Property(name="tag", value=tag),
            Property(name="digest", value=digest or "unknown: named by its tag only"),
            *([Property(name="image id", value=base.identifier)] if base else []),
        ],
    )


def _model(content: Mapping[str, Any]) -> Component:
    """Describe the artifact; its weights are what it was made from."""
    manifest, files = content["manifest"], content["files"]
    score, weights = manifest["score_graph"], manifest["weights"]
    if files.get(score["file"]) != score["sha256"]:
        raise SbomError(f"{score['file']} in the image is not the one that its manifest names; run `make build` again.")
    licences = _licences(OUR_LICENCE if weights["sha256"] == _sha256_of(BUNDLED_WEIGHTS) else None)
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=manifest["name"],
        version=manifest["version"],
        bom_ref="model",
        description=manifest["description"],
        hashes=[_sha256(score["sha256"])],
        licenses=licences,
        components=[
            Component(type=ComponentType.FILE, name=file, bom_ref=f"model/{file}", hashes=[_sha256(digest)])
            for file, digest in files.items()
        ],
        pedigree=Pedigree(
            ancestors=[
                Component(
                    type=ComponentType.MACHINE_LEARNING_MODEL,
                    name=f"weights of {manifest['name']}",
                    bom_ref="model/weights",
                    description=weights["source"],
                    hashes=[_sha256(weights["sha256"])],
                    licenses=licences,
                )
            ]
        ),
    )


def _operating_system(content: Mapping[str, Any]) -> Component:
    release = content["release"]
    return Component(
        type=ComponentType.OPERATING_SYSTEM,
        name=release["ID"],
        version=release.get("VERSION_ID"),
        bom_ref="operating-system",
        description=release.get("PRETTY_NAME"),
    )


def _interpreter(content: Mapping[str, Any]) -> Component:
    """Describe Python: where it is no package of the system, nothing else in the list tells its version."""
    release = content["python"]
    return Component(
        type=ComponentType.PLATFORM,
        name="python",
        version=release,
        bom_ref="python",
        cpe=f"cpe:2.3:a:python:python:{release}:*:*:*:*:*:*:*",
        licenses=_licences("PSF-2.0"),
    )


def _system_packages(content: Mapping[str, Any]) -> Iterable[Component]:
    release = content["release"]
    distro = "-".join(text for text in (release["ID"], release.get("VERSION_ID")) if text)
    for name, full_version, architecture, licence in content["system"]:
        qualifiers, number = {"arch": architecture, "distro": distro}, full_version
        if content["manager"] == "rpm" and ":" in number:
            qualifiers["epoch"], _, number = number.partition(":")
        purl = PackageURL(content["manager"], release["ID"], name, number, qualifiers)
        yield Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=full_version,
            purl=purl,
            bom_ref=purl.to_string(),
            licenses=_licences(licence),
        )


def normalised(name: str) -> str:
    """Return a package's name as lock files write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _reference(name: str) -> tuple[str, str, str]:
    """Take an image's name apart: repository, tag and digest; the latter two may be empty."""
    found = re.fullmatch(r"([^@]+?)(?::([^/:@]+))?(?:@(.+))?", name)
    if not found:
        raise SbomError(f"{name!r} is no name of an image.")
    return found[1], found[2] or "", found[3] or ""


def _sha256(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- the licence table -----------------------------------------------------------------------------------------------


def licence_table() -> str:
    """Return the table of the packages that are served, as Markdown.

    Names and versions are those of the lock file; the licences are read in the environment that this runs in, where
    another Python may have another version of a package.

    Raises
    ------
    SbomError
        If a package is not installed here, or does not tell its licence.
    """
    rows = ["| package | version | licence | worth knowing |", "|---|---|---|---|"]
    for line in SERVED.read_text("utf-8").split():
        name, _, release = line.partition("==")
        try:
            licence = licence_of(distribution(name).metadata.json)
        except PackageNotFoundError as error:
            raise SbomError(
                f"{name} is not installed here; run it with the environment that `make test` sets up."
            ) from error
        if not licence or not is_spdx(licence):
            raise SbomError(f"{name} names its licence as {licence!r}; read its licence file, and add it to LOOKED_UP.")
        rows.append(f"| {name} | {release} | {licence} | {NOTES.get(name, '')} |")
    return "\n".join(rows)


def write_licence_table() -> None:
    """Put the table into ``docs/licences.md``, between its markers."""
    before, _, rest = LICENCES.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SbomError(f"{LICENCES.name} has lost its markers; put back a line {BEGIN} and a line {END}.")
    LICENCES.write_text(f"{before}{BEGIN}\n{licence_table()}\n{END}{after}", "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m docs.make_sbom", description="Write what the image is made of.")
    parser.add_argument("--image", default="healthfunction:latest", help="the image that `make build` made")
    parser.add_argument("--base", help="the image that it was built on (the template's, if not said)")
    parser.add_argument("--out", type=Path, default=Path("build/sbom.cdx.json"), help="the file to write")
    parser.add_argument("--licences", action="store_true", help="write the table in docs/licences.md instead")
    options = parser.parse_args(arguments)
    try:
        if options.licences:
            write_licence_table()
            return 0
        text = sbom(options.image, options.base or default_base())
    except SbomError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text, "utf-8")
    print(f"{options.out}: {len(json.loads(text)['components'])} components of {options.image}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
