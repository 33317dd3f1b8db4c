"""Images that are something else as well: an archive, a page, a program. As images they are sound."""

import io
import zipfile
from collections.abc import Iterator

from tests.hostile import gif, jpeg, png, tiff, webp
from tests.hostile.canary import CANARY
from tests.hostile.case import ANSWERED, Case, case
from tests.hostile.samples import HEIGHT, WIDTH, all_samples

FAMILY = "polyglots"
HTML = f"<html><script>alert('{CANARY}')</script><!--".encode()
SCRIPT = f"*/=1;alert('{CANARY}');/*".encode()
PHP = f"<?php system($_GET['{CANARY}']); ?>".encode()
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
SHELL = f"\n#!/bin/sh\necho {CANARY}\nexit\n".encode()
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"


def cases() -> Iterator[Case]:
    """Yield each format with each of them within and behind."""
    others = {
        "a ZIP": archive(),
        "HTML": HTML,
        "a script": SCRIPT,
        "PHP": PHP,
        "a PDF": PDF,
        "a shell": SHELL,
        "SVG": SVG,
    }
    plain = {kind: next(iter(samples.values())) for kind, samples in all_samples().items()}
    for name, other in others.items():
        for kind, data in plain.items():
            yield case(FAMILY, f"{kind} before {name}", data + other, ANSWERED)
        yield case(
            FAMILY, f"PNG with {name} in a chunk", png.with_chunks(plain["PNG"], png.chunk(b"prIv", other)), ANSWERED
        )
        yield case(
            FAMILY,
            f"PNG with {name} in a text",
            png.with_chunks(plain["PNG"], png.chunk(b"tEXt", b"x\x00" + other)),
            ANSWERED,
        )
        yield case(
            FAMILY,
            f"JPEG with {name} in a comment",
            jpeg.with_segments(plain["JPEG"], jpeg.segment(0xFE, other)),
            ANSWERED,
        )
        yield case(
            FAMILY,
            f"JPEG with {name} in a segment",
            jpeg.with_segments(plain["JPEG"], jpeg.segment(0xEF, other)),
            ANSWERED,
        )
        block = b"\x21\xfe" + gif.blocks(other)
        yield case(FAMILY, f"GIF with {name} in a comment", gif.with_blocks(plain["GIF"], block), ANSWERED)
        chunks = webp.extended(0, WIDTH, HEIGHT) + plain["WEBP"][12:] + webp.chunk(b"evil", other)
        yield case(FAMILY, f"WebP with {name} in a chunk", webp.riff(chunks), ANSWERED)
        pixels = bytes(WIDTH * HEIGHT)
        strip = [tiff.tag(tiff.STRIP_OFFSETS, tiff.PIXELS_AT + len(other)), tiff.tag(tiff.ROWS, HEIGHT)]
        tags = tiff.plane(WIDTH, HEIGHT, *strip, tiff.tag(tiff.STRIP_BYTES, len(pixels)))
        yield case(FAMILY, f"TIFF with {name} before its pixels", tiff.write([tags], other + pixels), ANSWERED)
    for kind, data in plain.items():
        for second, tail in plain.items():
            yield case(FAMILY, f"{kind} before a whole {second}", data + tail, ANSWERED)


def archive() -> bytes:
    """Return a ZIP with a file whose name names the patient."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(zipfile.ZipInfo(f"{CANARY}.txt"), CANARY * 100)
    return file.getvalue()
