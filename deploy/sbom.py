"""Writes the software bill of materials (SBOM) of the serving image in CycloneDX 1.6.

``python -m deploy.sbom --image healthfunction:latest --out build/sbom.cdx.json``, with a built image (``make build``)
and the Docker engine. The same image results in the same bytes: serial number and time are the image's own.
"""

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
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
from packageurl import PackageURL

from deploy.image import Image, ImageError, inspect, look_inside
from deploy.licences import licence_of, normalised

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "template.yaml"
BUNDLED_WEIGHTS = ROOT / "layers" / "model" / "thyroid_model" / "bundled" / "model.keras"

APPLICATION = "thyroid-ultrasound"
OUR_LICENCE = "MIT"
OUR_PACKAGES = "/opt/python"


def default_base() -> str:
    """Return the template's default base image."""
    found = re.search(
        r"^  BaseImage:\n    Type: String\n    Default: (\S+)$", TEMPLATE.read_text("utf-8"), re.MULTILINE
    )
    if not found:
        raise ImageError("template.yaml names no base image; name it with --base.")
    return found.group(1)


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
    ImageError
        If there is no such image, it is not one of this project, or was built on another base.
    """
    image = inspect(name)
    if image is None:
        raise ImageError(f"There is no image {name}; run `make build` first.")
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
    # Dependencies tell which part contains what. The lists are flat, since not every scanner reads nested ones.
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
        # The base image may contain a package that we install, too.
        bom_ref=purl.to_string() if _is_ours(package) else f"{purl.to_string()}#{package['folder'].strip('/')}",
        licenses=_licences(licence_of(metadata)),
        properties=[Property(name="folder", value=package["folder"])],
    )


def _base(name: str, image: Image) -> Component:
    """Describe the base image; if the engine has it, check it and take its digest."""
    repository, tag, digest = _reference(name)
    base = inspect(name)
    if base is not None:
        if image.layers[: len(base.layers)] != base.layers:
            raise ImageError(f"The image was not built on {name}; name its base with --base.")
        digest = digest or next((_reference(known)[2] for known in base.digests), "")
    where = {"repository_url": repository, "tag": tag}
    return Component(
        type=ComponentType.CONTAINER,
        name=repository,
        version=digest or tag,
        bom_ref="base-image",
        purl=PackageURL("oci", None, repository.rpartition("/")[2], digest, where) if digest else None,
        description="The base of the image: operating system, Python, Lambda's runtime client.",
        hashes=[_sha256(digest.removeprefix("sha256:"))] if digest else [],
        properties=[
            Property(name="tag", value=tag),
            Property(name="digest", value=digest or "unknown: named by its tag only"),
            *([Property(name="image id", value=base.identifier)] if base else []),
        ],
    )


def _model(content: Mapping[str, Any]) -> Component:
    """Describe the artifact and the weights that it was made from."""
    manifest, files = content["manifest"], content["files"]
    score, weights = manifest["score_graph"], manifest["weights"]
    if files.get(score["file"]) != score["sha256"]:
        raise ImageError(
            f"{score['file']} in the image is not the one that its manifest names; run `make build` again."
        )
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
    """Describe Python: where it is not a package of the system, nothing else in the list has its version."""
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


def _reference(name: str) -> tuple[str, str, str]:
    """Split an image's name into repository, tag and digest; the latter two may be empty."""
    found = re.fullmatch(r"([^@]+?)(?::([^/:@]+))?(?:@(.+))?", name)
    if not found:
        raise ImageError(f"{name!r} is not a name of an image.")
    return found[1], found[2] or "", found[3] or ""


def _licences(*names: str | None) -> list[License]:
    return [LicenseFactory().make_from_string(name) for name in names if name]


def _sha256(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.sbom", description="Write the SBOM of an image.")
    parser.add_argument("--image", default="healthfunction:latest", help="the image that `make build` built")
    parser.add_argument("--base", help="its base image; by default that of the template")
    parser.add_argument("--out", type=Path, default=Path("build/sbom.cdx.json"), help="the file to write")
    options = parser.parse_args(arguments)
    try:
        text = sbom(options.image, options.base or default_base())
    except ImageError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text, "utf-8")
    print(f"{options.out}: {len(json.loads(text)['components'])} components of {options.image}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
