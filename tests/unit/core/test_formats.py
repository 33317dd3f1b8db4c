"""Every list of image formats agrees with `thyroid.core.formats`."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.hostile import boundaries, samples
from tests.images import image_file
from thyroid.core import formats, structure
from thyroid.core.formats import FORMATS, ImageFormat
from thyroid.core.imaging import decode
from thyroid.web.page import PAGE, files

ROOT = Path(__file__).parents[3]
REGISTRY = "layers/inference/python/thyroid/core/formats.py"
SCRIPT = "layers/inference/python/thyroid/web/page_files/picture.js"

# Texts that list formats for people. Generated files have tests of their own, and the change log tells of the past.
TEXTS = (
    "*.md",
    "*.yaml",
    ".github/**/*.*",
    "client/**/*.*",
    "docs/*.md",
    "docs/*.py",
    "docs/*.ipynb",
    "functions/**/*.*",
)
CODE = (
    "layers/inference/**/*.py",
    "layers/inference/**/*.js",
    "layers/inference/**/*.html",
    "layers/inference/**/*.css",
)

each_format = pytest.mark.parametrize("image_format", FORMATS, ids=lambda image_format: image_format.name)


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def listed(text: str) -> Iterator[set[str]]:
    """Return the names in each list of formats, such as "PNG, JPEG or GIF"."""
    for found in re.findall(r"\bPNG,\s+JPEG(?:(?:,|,?\s+(?:or|and))\s+[A-Z][\w-]+(?:\s\d+)?)*", text):
        yield set(re.split(r"(?:,?\s+(?:or|and)|,)\s+", found))


def signatures() -> dict[str, str]:
    """Return the media types that the page's script knows, and the pattern of how such a file begins."""
    return dict(re.findall(r'^  \["([^"]+)", /(.+)/\],$', read(SCRIPT), re.MULTILINE))


def binary_media_types() -> set[str]:
    kinds = re.search(r"BinaryMediaTypes:\n((?: +(?:-|#).*\n)+)", read("template.yaml"))
    return set(yaml.safe_load(kinds[1])) - {"multipart/form-data", "application/pdf"} if kinds else set()


# File to what it lists, and to what it should list.
LISTS: dict[str, tuple[Callable[[], set[str]], set[str]]] = {
    SCRIPT: (lambda: set(signatures()), {image_format.media_types[0] for image_format in FORMATS}),
    "template.yaml": (binary_media_types, set(formats.MEDIA_TYPES)),
    "README.md": (lambda: next(listed(read("README.md")), set()), {image_format.name for image_format in FORMATS}),
    "tests/hostile/samples.py": (lambda: set(samples.all_samples()), set(formats.PILLOW_NAMES)),
    "tests/hostile/boundaries.py": (lambda: set(boundaries.PARTS), set(formats.PILLOW_NAMES)),
}


@pytest.mark.parametrize("file", LISTS)
def test_a_list_has_all_formats_and_no_other(file: str) -> None:
    found, wanted = LISTS[file][0](), LISTS[file][1]
    assert found == wanted, (
        f"{file} lacks {sorted(wanted - found)} and has {sorted(found - wanted)} beyond the formats of {REGISTRY}."
    )


def test_a_sentence_that_lists_formats_lists_them_all() -> None:
    names = {image_format.name for image_format in FORMATS}
    texts = {path for pattern in TEXTS for path in ROOT.glob(pattern) if path.is_file()} - {ROOT / "CHANGELOG.md"}
    wrong = [
        f"{path.relative_to(ROOT)} lists {', '.join(sorted(found))}."
        for path in sorted(texts)
        for found in listed(path.read_text("utf-8", errors="replace"))
        if found != names
    ]
    assert not wrong, f"The formats of {REGISTRY} are {formats.SENTENCE}. {' '.join(wrong)}"


def test_no_code_of_the_service_repeats_the_list() -> None:
    code = {path for pattern in CODE for path in ROOT.glob(pattern)}
    wrong = [str(path.relative_to(ROOT)) for path in sorted(code) if any(listed(path.read_text("utf-8")))]
    assert wrong == [REGISTRY], f"{', '.join(wrong)}: take the list from thyroid.core.formats, as its SENTENCE."


def test_the_lists_are_those_of_the_records() -> None:
    assert formats.SENTENCE == "PNG, JPEG, WebP, BMP, TIFF or GIF"
    assert formats.SUFFIXES == (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")
    assert formats.PILLOW_NAMES == ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
    assert formats.MEDIA_TYPES == (
        "image/png",
        "image/jpeg",
        "image/jpg",
        "image/webp",
        "image/bmp",
        "image/tiff",
        "image/gif",
        "application/octet-stream",
    )


def test_a_sentence_that_lists_formats_is_recognised() -> None:
    assert list(listed("a PNG file, a JPEG file")) == []
    assert list(listed("send PNG, JPEG,\n  WebP or GIF; a DICOM file")) == [{"PNG", "JPEG", "WebP", "GIF"}]
    assert list(listed("PNG, JPEG, and JPEG 2000.")) == [{"PNG", "JPEG", "JPEG 2000"}]


@each_format
def test_a_file_is_decoded_and_begins_as_its_record_and_the_page_say(image_format: ImageFormat) -> None:
    data = image_file(image_format.pillow_name)

    assert decode(data, max_pixels=1_000_000).format == image_format.pillow_name
    assert data.startswith(image_format.signatures)
    matching = [kind for kind, pattern in signatures().items() if begins(pattern, data)]
    assert matching == [image_format.media_types[0]], f"{SCRIPT} does not recognise {image_format.name}."


@each_format
def test_a_signature_is_of_one_format_alone(image_format: ImageFormat) -> None:
    others = [other for other in FORMATS if other is not image_format]
    assert not [other for other in others for sign in image_format.signatures if sign.startswith(other.signatures)]


def begins(pattern: str, data: bytes) -> bool:
    """Match a pattern of JavaScript, in which ``[^]`` is any letter."""
    return re.match(pattern.replace("[^]", r"[\s\S]"), data.decode("latin-1")) is not None


def test_each_limit_on_a_files_parts_is_of_a_format() -> None:
    assert set(structure._RULES) <= {image_format.name for image_format in FORMATS}


def test_the_page_is_given_the_list() -> None:
    page = files()[PAGE].content.decode()

    accepted = re.findall(r'accept="([^"]*)"', page)
    assert accepted == [
        "image/png,image/jpeg,image/webp,image/bmp,image/tiff,image/gif,.png,.jpg,.jpeg,.webp,.bmp,.tif,.tiff,.gif"
    ]
    assert f'<span id="format-names">{formats.SENTENCE}</span>' in page
    assert "{{" not in page


def test_a_list_costs_no_import_of_pillow() -> None:
    code = "import sys, thyroid.core.formats; print('PIL' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
