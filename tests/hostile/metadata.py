"""Garbage beside the pixels: colour profiles, tags, texts. The pixels are sound, so they are answered."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np

from tests.hostile import jpeg, png, tiff, webp
from tests.hostile.canary import CANARY
from tests.hostile.case import ANSWERED, Case, case
from tests.hostile.samples import HEIGHT, WIDTH, XMP, all_samples, exif, sample_image
from tests.images import saved

PROFILES, TAGS, TURNED = "garbage profiles", "garbage tags", "turned"
ORIENTATIONS = (*range(10), 255, 65_535)


def cases() -> Iterator[Case]:
    """Yield all of them."""
    for name, profile in _profiles():
        for kind, data in _with_profile(profile):
            yield case(PROFILES, f"{kind} with a profile of {name}", data, ANSWERED)
    for name, block in _tags():
        for kind, data in _with_tags(block):
            yield case(TAGS, f"{kind} with tags of {name}", data, ANSWERED)
    for name, data in _texts():
        yield case(TAGS, name, data, ANSWERED)
    for kind in ("PNG", "JPEG", "WEBP", "TIFF"):
        for orientation in ORIENTATIONS:
            data = saved(sample_image(), kind, exif=exif(orientation))
            yield case(TURNED, f"{kind} of orientation {orientation}", data, ANSWERED)


def _profiles() -> Iterator[tuple[str, bytes]]:
    rng = np.random.default_rng(0)
    head = struct.pack(">I4sI4s4s4s", 2**32 - 1, b"lcms", 0x04300000, b"mntr", b"RGB ", b"XYZ ")
    yield "nothing", b""
    yield "a byte", b"\x00"
    yield "noise", rng.bytes(3000)
    yield "a head alone", head
    yield "a head and noise", head + b"\x00" * 12 + b"acsp" + rng.bytes(500)
    yield "another colour space", head.replace(b"RGB ", b"CMYK") + bytes(200)
    yield "a million tags", head + bytes(104) + struct.pack(">I", 10**6) + bytes(12)
    yield "zeros", bytes(100_000)
    yield "a name", CANARY.encode() * 10


def _with_profile(profile: bytes) -> Iterator[tuple[str, bytes]]:
    plain = {kind: next(iter(samples.values())) for kind, samples in all_samples().items()}
    for name, packed in (
        ("", zlib.compress(profile)),
        (" not packed", profile),
        (" cut off", zlib.compress(profile)[:-3]),
    ):
        yield f"PNG{name}", png.with_chunks(plain["PNG"], png.chunk(b"iCCP", b"x\x00\x00" + packed))
    piece = b"ICC_PROFILE\x00" + profile[:60_000]
    for number, of in ((1, 1), (0, 0), (2, 1), (1, 255)):
        numbered = piece[:12] + bytes([number, of]) + piece[12:]
        yield f"JPEG, piece {number} of {of}", jpeg.with_segments(plain["JPEG"], jpeg.segment(0xE2, numbered))
    bits = plain["WEBP"][12:]
    yield "WebP", webp.riff(webp.extended(0x20, WIDTH, HEIGHT) + webp.chunk(b"ICCP", profile) + bits)
    yield "TIFF", _tiff_with(tiff.Tag(34_675, 7, len(profile), profile))


def _tags() -> Iterator[tuple[str, bytes]]:
    rng = np.random.default_rng(1)
    start = b"II*\x00\x08\x00\x00\x00"

    def directory(*entries: tuple[int, int, int, int], after: int = 0) -> bytes:
        return (
            struct.pack("<H", len(entries))
            + b"".join(struct.pack("<HHII", *e) for e in entries)
            + struct.pack("<I", after)
        )

    yield "nothing", b""
    yield "a head alone", start
    yield "noise", rng.bytes(2000)
    yield "a head and noise", start + rng.bytes(2000)
    yield "a directory beyond the end", b"II*\x00\xff\xff\xff\xff"
    yield "a directory in its own head", b"II*\x00\x00\x00\x00\x00" + bytes(30)
    yield "a directory after itself", start + directory((274, 3, 1, 1), after=8)
    yield "65,535 tags that are not there", start + b"\xff\xff" + b"\x12\x01" * 20
    yield "a tag of four billion values", start + directory((270, 2, 2**32 - 1, 8))
    yield "a tag of no values", start + directory((274, 3, 0, 0))
    yield "an orientation of two", start + directory((274, 3, 2, 0x00030006))
    yield "an orientation of text", start + directory((274, 2, 4, 0x41414141))
    yield "an orientation of a fraction by nothing", start + directory((274, 5, 1, 26)) + struct.pack("<II", 6, 0)
    yield "an orientation of no kind", start + directory((274, 99, 1, 6))
    yield "directories within each other", start + directory((34_665, 4, 1, 8), (34_853, 4, 1, 8), (40_965, 4, 1, 8))
    yield "a maker's note in itself", start + directory((34_665, 4, 1, 26)) + directory((37_500, 7, 500, 8))
    yield (
        "a thousand names",
        start + directory(*((number, 2, len(CANARY), 12_014) for number in range(1000, 2000))) + CANARY.encode(),
    )
    yield (
        "names that are too long",
        start + directory(*((number, 2, 10**6, 8) for number in range(1000, 1100))) + CANARY.encode(),
    )
    yield "BigTIFF", b"II+\x00\x08\x00\x00\x00\x10" + bytes(7) + struct.pack("<Q", 2**63)


def _with_tags(block: bytes) -> Iterator[tuple[str, bytes]]:
    plain = {kind: next(iter(samples.values())) for kind, samples in all_samples().items()}
    yield "PNG", png.with_chunks(plain["PNG"], png.chunk(b"eXIf", block))
    yield "JPEG", jpeg.with_segments(plain["JPEG"], jpeg.segment(0xE1, b"Exif\x00\x00" + block))
    bits = plain["WEBP"][12:]
    yield "WebP", webp.riff(webp.extended(0x08, WIDTH, HEIGHT) + bits + webp.chunk(b"EXIF", block))
    pointer = tiff.Tag(34_665, 4, 1, struct.pack("<I", tiff.PIXELS_AT))
    pixels = np.asarray(sample_image("L")).tobytes()
    tags = tiff.plane(WIDTH, HEIGHT, pointer, tiff.tag(tiff.STRIP_OFFSETS, tiff.PIXELS_AT + len(block)), *_rest(pixels))
    yield "TIFF", tiff.write([tags], block + pixels)


def _texts() -> Iterator[tuple[str, bytes]]:
    plain, photo = all_samples()["PNG"]["colour"], all_samples()["JPEG"]["colour"]
    long = (CANARY * 3000).encode()
    for name, kind, data in (
        ("text", b"tEXt", b"Name\x00" + long),
        ("text without a name", b"tEXt", b"\x00" + long),
        ("text without its zero", b"tEXt", long),
        ("packed text", b"zTXt", b"Name\x00\x00" + zlib.compress(long)),
        ("text that is said to be packed", b"zTXt", b"Name\x00\x00" + long),
        ("international text", b"iTXt", b"Name\x00\x00\x00en\x00\x00" + long),
        ("international text of no letters", b"iTXt", b"Name\x00\x00\x00\x00\x00\xff\xfe" + long),
        ("international text cut off", b"iTXt", b"Name\x00\x01"),
        ("XMP", b"iTXt", b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + XMP + b"tiff:Orientation>9"),
        ("tags in hexadecimal", b"tEXt", b"Raw profile type exif\x00\nexif\n 12\n" + b"zz" * 40),
    ):
        yield f"PNG with {name}", png.with_chunks(plain, png.chunk(kind, data))
    for name, marker, data in (
        ("XMP of anything", 0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + long[:60_000]),
        ("a maker's resources", 0xED, b"Photoshop 3.0\x008BIM\x04\x04\x00\x00\xff\xff\xff\xff" + long[:1000]),
        ("resources of anything", 0xED, b"Photoshop 3.0\x00" + long[:1000]),
        ("several images that are not there", 0xE2, b"MPF\x00II*\x00\x08\x00\x00\x00\xff\xff" + bytes(60)),
        ("a comment", 0xFE, long[:60_000]),
    ):
        yield f"JPEG with {name}", jpeg.with_segments(photo, jpeg.segment(marker, data))


def _tiff_with(*more: tiff.Tag) -> bytes:
    pixels = np.asarray(sample_image("L")).tobytes()
    tags = tiff.plane(WIDTH, HEIGHT, tiff.tag(tiff.STRIP_OFFSETS, tiff.PIXELS_AT), *_rest(pixels), *more)
    return tiff.write([tags], pixels)


def _rest(pixels: bytes) -> list[tiff.Tag]:
    return [tiff.tag(tiff.ROWS, HEIGHT), tiff.tag(tiff.STRIP_BYTES, len(pixels))]
