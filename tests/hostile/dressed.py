"""Other formats under an image's name, and under an image's first bytes."""

import gzip
import io
import pickle
import struct
import tarfile
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tests.hostile.canary import CANARY
from tests.hostile.case import REFUSED, UNKNOWN, Case, case
from tests.hostile.polyglots import HTML, PDF, PHP, SHELL, SVG, archive
from tests.hostile.samples import sample_image
from tests.images import saved

BY_NAME, BY_BYTES = "dressed by name", "dressed by first bytes"
SIGNATURES = {
    "PNG": b"\x89PNG\r\n\x1a\n",
    "PNG cut": b"\x89PNG",
    "JPEG": b"\xff\xd8\xff\xe0",
    "GIF": b"GIF89a",
    "WebP": b"RIFF\x00\x10\x00\x00WEBPVP8 ",
    "TIFF": b"II*\x00",
    "TIFF, other order": b"MM\x00*",
    "BMP": b"BM",
}


def cases() -> Iterator[Case]:
    """Yield all of them; their type is said to be an image's, as it is of all that are sent."""
    for name, data in others():
        yield case(BY_NAME, f"{name} called an image", data, UNKNOWN)
        for kind, signature in SIGNATURES.items():
            dressed = signature + data
            yield case(BY_BYTES, f"{name} behind the first bytes of {kind}", dressed, REFUSED)


def others() -> Iterator[tuple[str, bytes]]:
    """Yield files of other formats by name."""
    rng = np.random.default_rng(0)
    for kind in ("ICO", "PPM", "TGA", "PCX", "ICNS", "JPEG2000", "PDF", "EPS", "DDS", "SGI", "AVIF"):
        yield kind, saved(sample_image(), kind)
    yield "SVG", SVG
    yield "SVG with a declaration", b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a 'aaaa'>]>" + SVG
    yield "a short PDF", PDF
    yield "PSD", b"8BPS\x00\x01" + bytes(6) + struct.pack(">HIIHH", 3, 400, 600, 8, 3) + bytes(2000)
    cards = (
        "SIMPLE  =                    T",
        "BITPIX  =                    8",
        "NAXIS   =                    2",
        "NAXIS1  =                  100",
        "NAXIS2  =                  100",
        "END",
    )
    yield "FITS", b"".join(text.ljust(80).encode() for text in cards).ljust(2880) + bytes(11_520)
    yield "PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\nshowpage\n"
    yield "DICOM", bytes(128) + b"DICM" + struct.pack("<HH2sH", 2, 0, b"UL", 4) + CANARY.encode() + bytes(500)
    yield "NIfTI", struct.pack("<i", 348) + bytes(344) + b"n+1\x00" + bytes(1000)
    yield "HEIC", struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic" + bytes(500)
    yield "MP4", struct.pack(">I", 24) + b"ftypisom" + bytes(4) + b"isomavc1" + bytes(500)
    yield "JPEG XL", b"\xff\x0a" + rng.bytes(500)
    yield "JPEG XL in boxes", b"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a" + rng.bytes(500)
    yield "WAV", b"RIFF" + struct.pack("<I", 1000) + b"WAVEfmt " + bytes(1000)
    yield "AVI", b"RIFF" + struct.pack("<I", 1000) + b"AVI LIST" + bytes(1000)
    yield "MNG", b"\x8aMNG\r\n\x1a\n" + bytes(500)
    yield "a cursor", b"\x00\x00\x02\x00\x01\x00" + bytes(500)
    yield "FLIF", b"FLIF" + rng.bytes(500)
    yield "BPG", b"BPG\xfb" + rng.bytes(500)
    yield "XBM", b"#define x_width 64\n#define x_height 64\nstatic char x_bits[] = {0};\n"
    yield "XPM", b'/* XPM */\nstatic char *x[] = {"64 64 1 1", "a c #000000"};\n'
    yield "a ZIP", archive()
    yield "gzip", gzip.compress(bytes(1000), mtime=0)
    yield "7z", b"7z\xbc\xaf\x27\x1c" + rng.bytes(500)
    yield "tar", _tar()
    yield "pickle", pickle.dumps({"name": CANARY})
    yield "NumPy", _numpy()
    yield "HTML", HTML
    yield "PHP", PHP
    yield "a shell script", SHELL
    yield "JSON", b'{"image": "' + CANARY.encode() + b'"}'
    yield "base64 of a PNG", b"iVBORw0KGgoAAAANSUhEUgAAADgAAAAo"
    yield "a Windows program", b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\x00\x00" + bytes(500)
    yield "a Linux program", b"\x7fELF\x02\x01\x01" + bytes(500)
    yield "a Java class", b"\xca\xfe\xba\xbe" + bytes(500)
    yield "WebAssembly", b"\x00asm\x01\x00\x00\x00" + bytes(500)
    yield "a SQLite file", b"SQLite format 3\x00" + bytes(500)
    yield "text", (CANARY + "\n").encode() * 50
    yield "text of two bytes a letter", CANARY.encode("utf-16")
    yield "zeros", bytes(10_000)
    yield "ones", b"\xff" * 10_000
    yield "noise", rng.bytes(10_000)
    yield "a byte", b"\x89"
    yield "a line's end", b"\n"


def _tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as packed:
        packed.addfile(tarfile.TarInfo(CANARY))
    return file.getvalue()


def _numpy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(Image.new("L", (64, 64))))
    return file.getvalue()
