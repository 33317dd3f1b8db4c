import struct

import pytest

from tests.pictures import animated_file, picture_file
from thyroid import structure
from thyroid.errors import UnreadableImageError
from thyroid.imaging import FORMATS, decode


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + bytes(4)  # sums are the decoder's to judge


def segment(marker: int, data: bytes = b"") -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def tiff(tags: int, strips: int, order: str = "<", *, big: bool = False) -> bytes:
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    head += struct.pack(order + "HHQ", 8, 0, 16) if big else struct.pack(order + "I", 8)
    entry = order + ("HHQQ" if big else "HHII")
    entries = [struct.pack(entry, 40_000, 1, 1, 0)] * (tags - 1) + [struct.pack(entry, 273, 1, strips, 0)]
    return head + struct.pack(order + ("Q" if big else "H"), tags) + b"".join(entries)


PNG, JPEG, GIF = picture_file("PNG"), picture_file("JPEG"), picture_file("GIF")
JPEG_HEAD = 20  # the start of the image, and JFIF's segment
GIF_HEAD = 13 + 3 * (2 << (GIF[10] & 7))  # the screen, and its palette


def with_chunks(*chunks: bytes) -> bytes:
    return PNG[:33] + b"".join(chunks) + PNG[33:]


def with_segments(*segments: bytes) -> bytes:
    return JPEG[:JPEG_HEAD] + b"".join(segments) + JPEG[JPEG_HEAD:]


def with_scans(scans: int) -> bytes:
    return JPEG[:-2] + segment(0xDA, bytes(6)) * (scans - 1) + JPEG[-2:]


def with_blocks(*blocks: bytes) -> bytes:
    return GIF[:GIF_HEAD] + b"".join(blocks) + GIF[GIF_HEAD:]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(with_chunks(*[chunk(b"prIv")] * structure.MOST_CHUNKS), id="chunks of PNG"),
        pytest.param(with_chunks(*[chunk(b"iCCP")] * (structure.MOST_PROFILES + 1)), id="profiles of PNG"),
        pytest.param(with_segments(*[segment(0xFE)] * structure.MOST_SEGMENTS), id="segments of JPEG"),
        pytest.param(with_segments(b"\xff" * structure.MOST_SEGMENTS * structure.JUNK), id="filling of JPEG"),
        pytest.param(with_segments(bytes(structure.MOST_SEGMENTS * structure.JUNK)), id="junk in JPEG"),
        pytest.param(with_scans(structure.MOST_SCANS + 1), id="scans of JPEG"),
        pytest.param(with_blocks(*[b"\x21\xfe\x00"] * (structure.MOST_BLOCKS + 1)), id="extensions of GIF"),
        pytest.param(with_blocks(b"\x21\xfe", b"\x01x" * structure.MOST_BLOCKS, b"\x00"), id="blocks of a GIF comment"),
        pytest.param(with_blocks(bytes(structure.MOST_BLOCKS + 1)), id="junk in GIF"),
        *(
            pytest.param(tiff(tags, strips, order, big=big), id=f"{what} of TIFF {order} {big}")
            for what, tags, strips in (
                ("tags", structure.MOST_TAGS + 1, 1),
                ("strips", 10, structure.MOST_STRIPS + 1),
            )
            for order, big in (("<", False), (">", False), ("<", True))
        ),
    ],
)
def test_a_file_of_more_parts_than_any_picture_has_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableImageError, match="too many parts"):
        decode(data, max_pixels=1_000_000)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(with_chunks(*[chunk(b"prIv")] * 1_000), id="chunks of PNG"),
        pytest.param(with_segments(*[segment(0xFE)] * 500), id="segments of JPEG"),
        pytest.param(with_segments(bytes(10_000)), id="padding in JPEG"),
        pytest.param(with_scans(50), id="scans of JPEG"),
        pytest.param(with_segments(segment(0xE1, segment(0xDA) * 1_000)), id="a JPEG's tags that look like scans"),
        pytest.param(JPEG + segment(0xDA) * 1_000, id="what stands behind a JPEG"),
        pytest.param(with_blocks(*[b"\x21\xfe\x01x\x00"] * 1_000), id="comments of GIF"),
        pytest.param(tiff(20, 5_000), id="strips of TIFF"),
        *(pytest.param(picture_file(kind), id=kind) for kind in FORMATS),
        *(pytest.param(picture_file(kind) + bytes(4_000_000), id=f"zeros behind {kind}") for kind in FORMATS),
        *(pytest.param(animated_file(kind), id=f"animated {kind}") for kind in ("GIF", "WEBP", "PNG", "TIFF")),
    ],
)
def test_what_a_picture_may_have_is_not_judged(data: bytes) -> None:
    structure.check(data)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_that_is_cut_off_has_the_parts_that_it_has(kind: str) -> None:
    whole = picture_file(kind)

    for kept in range(min(len(whole), 1_500)):
        structure.check(whole[:kept])


@pytest.mark.parametrize("data", [b"", b"II", b"hello", *(bytes([byte]) * 100_000 for byte in (0, 0x21, 0xFF))])
def test_what_is_no_picture_is_left_to_the_decoder(data: bytes) -> None:
    structure.check(data)


@pytest.mark.parametrize("head", [b"II*\0", b"MM\0*", b"II+\0", b"II*\0\xff\xff\xff\xff", b"GIF89a", b"\xff\xd8\xff"])
def test_a_beginning_alone_is_left_to_the_decoder(head: bytes) -> None:
    structure.check(head)
