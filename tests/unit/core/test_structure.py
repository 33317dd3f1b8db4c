import struct
from collections.abc import Callable

import pytest

from tests.hostile.tiff import Tag, write
from tests.images import animated_file, image_file
from thyroid.core import structure
from thyroid.core.formats import PILLOW_NAMES
from thyroid.core.imaging import decode
from thyroid.errors import UnreadableImageError


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + bytes(4)  # sums are the decoder's to judge


def segment(marker: int, data: bytes = b"") -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def tiff(tags: int, strips: int, order: str = "<", *, big: bool = False, tag: int = 273) -> bytes:
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    head += struct.pack(order + "HHQ", 8, 0, 16) if big else struct.pack(order + "I", 8)
    entry = order + ("HHQQ" if big else "HHII")
    entries = [struct.pack(entry, 40_000, 1, 1, 0)] * (tags - 1) + [struct.pack(entry, tag, 1, strips, 0)]
    return head + struct.pack(order + ("Q" if big else "H"), tags) + b"".join(entries)


PNG, JPEG, GIF = image_file("PNG"), image_file("JPEG"), image_file("GIF")
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
        pytest.param(with_chunks(*[chunk(b"prIv")] * structure.MAX_CHUNKS), id="chunks of PNG"),
        pytest.param(with_chunks(*[chunk(b"iCCP")] * (structure.MAX_PROFILES + 1)), id="profiles of PNG"),
        pytest.param(with_segments(*[segment(0xFE)] * structure.MAX_SEGMENTS), id="segments of JPEG"),
        pytest.param(with_segments(b"\xff" * structure.MAX_SEGMENTS * structure.JUNK), id="filling of JPEG"),
        pytest.param(with_segments(bytes(structure.MAX_SEGMENTS * structure.JUNK)), id="junk in JPEG"),
        pytest.param(with_scans(structure.MAX_SCANS + 1), id="scans of JPEG"),
        pytest.param(with_blocks(*[b"\x21\xfe\x00"] * (structure.MAX_BLOCKS + 1)), id="extensions of GIF"),
        pytest.param(with_blocks(b"\x21\xfe", b"\x01x" * structure.MAX_BLOCKS, b"\x00"), id="blocks of a GIF comment"),
        pytest.param(with_blocks(bytes(structure.MAX_BLOCKS + 1)), id="junk in GIF"),
        *(
            pytest.param(tiff(tags, strips, order, big=big), id=f"{what} of TIFF {order} {big}")
            for what, tags, strips in (
                ("tags", structure.MAX_TAGS + 1, 1),
                ("strips", 10, structure.MAX_STRIPS + 1),
            )
            for order, big in (("<", False), (">", False), ("<", True))
        ),
    ],
)
def test_a_file_of_more_parts_than_any_image_has_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableImageError, match="too many parts"):
        decode(data, max_pixels=1_000_000)


def gif(flags: int, palette: int, *blocks: bytes) -> bytes:
    """A GIF whose palette would end it, were it taken for blocks."""
    return b"GIF89a" + struct.pack("<HHBBB", 96, 64, flags, 0, 0) + b"\x3b" * palette + b"".join(blocks)


SCAN = segment(0xDA, bytes(6))

# How many there may be, and what makes a file of so many: what else is in it is not counted.
COUNTED: dict[str, tuple[int, Callable[[int], bytes]]] = {
    "chunks of PNG": (structure.MAX_CHUNKS, lambda n: PNG[:8] + chunk(b"prIv", b"12345") * n),
    "chunks of PNG, the last cut off": (
        structure.MAX_CHUNKS,
        lambda n: PNG[:8] + chunk(b"prIv") * (n - 1) + chunk(b"prIv")[:8],
    ),
    "profiles of PNG": (structure.MAX_PROFILES, lambda n: PNG[:33] + chunk(b"iCCP", b"12345") * n + PNG[33:]),
    "segments of JPEG": (structure.MAX_SEGMENTS, lambda n: JPEG[:2] + segment(0xFE, b"12345") * n),
    "segments of JPEG with a little junk": (
        structure.MAX_SEGMENTS,
        lambda n: JPEG[:2] + (segment(0xFE) + bytes(structure.JUNK - 1)) * n,
    ),
    "segments of JPEG behind a scan": (structure.MAX_SEGMENTS, lambda n: JPEG[:2] + SCAN + segment(0xFE) * (n - 1)),
    "markers of JPEG that stand alone": (structure.MAX_SEGMENTS, lambda n: JPEG[:2] + b"\xff\x01" * n),
    "restarts of JPEG before a scan": (structure.MAX_SEGMENTS, lambda n: JPEG[:2] + b"\xff\xd0" * n),
    "junk in JPEG": (
        structure.MAX_SEGMENTS,
        lambda n: JPEG[:2] + segment(0xFE) + bytes(structure.JUNK) * (n - 2) + segment(0xFE),
    ),
    "scans of JPEG": (structure.MAX_SCANS, lambda n: JPEG[:2] + SCAN * n),
    "extensions of GIF": (structure.MAX_BLOCKS, lambda n: gif(0, 0, b"\x21\xfe\x00" * n)),
    "blocks of a GIF comment": (structure.MAX_BLOCKS, lambda n: gif(0, 0, b"\x21\xfe", b"\x02xx" * (n - 1), b"\x00")),
    "junk in GIF": (structure.MAX_BLOCKS, lambda n: gif(0, 0, bytes(n))),
    "junk behind a palette of two": (structure.MAX_BLOCKS, lambda n: gif(0x80, 3 * 2, bytes(n))),
    "junk behind a palette of 256": (structure.MAX_BLOCKS, lambda n: gif(0x87, 3 * 256, bytes(n))),
    "junk behind no palette, though its size is told": (structure.MAX_BLOCKS, lambda n: gif(0x07, 0, bytes(n))),
    "tags of TIFF": (structure.MAX_TAGS, lambda n: tiff(n, 1)),
    "tags of TIFF, cut off": (structure.MAX_TAGS, lambda n: tiff(n, 1)[:10]),
    "strips of TIFF": (structure.MAX_STRIPS, lambda n: tiff(10, n)),
    "tiles of TIFF": (structure.MAX_STRIPS, lambda n: tiff(10, n, tag=324)),
    "tags of BigTIFF": (structure.MAX_TAGS, lambda n: tiff(n, 1, big=True)),
    "strips of BigTIFF": (structure.MAX_STRIPS, lambda n: tiff(10, n, big=True)),
}


@pytest.mark.parametrize("what", COUNTED)
def test_as_many_parts_as_may_be_are_taken_and_one_more_is_not(what: str) -> None:
    most, made_of = COUNTED[what]

    structure.check(made_of(most))
    with pytest.raises(UnreadableImageError):
        structure.check(made_of(most + 1))


# Types of whole numbers, with and without a sign, by their number in TIFF.
TYPES = [(1, "B"), (3, "H"), (4, "I"), (16, "Q"), (6, "b"), (8, "h"), (9, "i"), (17, "q")]


@pytest.mark.parametrize("tag", [279, 325], ids=["strips", "tiles"])
@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True)])
@pytest.mark.parametrize(("kind", "code"), TYPES)
@pytest.mark.parametrize("count", [structure.MAX_READ + 1, 40])
def test_strips_that_lie_over_each_other_are_read_so_many_times_and_no_more(
    kind: int, code: str, count: int, order: str, big: bool, tag: int
) -> None:
    def of_lengths(*lengths: int) -> bytes:
        packed = struct.pack(f"{order}{count}{code}", *lengths)
        return write([[Tag(tag, kind, count, packed)]], order=order, big=big)

    share, rest = divmod(structure.MAX_READ * len(of_lengths(*[0] * count)), count)

    structure.check(of_lengths(*[share + 1] * rest, *[share] * (count - rest)))
    with pytest.raises(UnreadableImageError, match="too many parts"):
        structure.check(of_lengths(*[share + 1] * (rest + 1), *[share] * (count - rest - 1)))


@pytest.mark.parametrize("order", ["<", ">"])
def test_of_lengths_that_are_cut_off_those_count_that_are_there(order: str) -> None:
    # GIVEN a file that ends with the lengths of its strips, and says that there are three times as many
    enough = structure.MAX_READ + 1
    head = struct.pack(order + "4sIHHHII4x", b"II*\0" if order == "<" else b"MM\0*", 8, 1, 279, 4, 3 * enough, 26)
    endless = struct.pack(order + "I", 2**31)

    structure.check(head + endless * (enough - 1) + endless[:3])
    with pytest.raises(UnreadableImageError, match="too many parts"):
        structure.check(head + endless * enough + endless[:3])


def test_lengths_that_lie_behind_the_end_are_left_to_the_decoder() -> None:
    structure.check(struct.pack("<4sIHHHII4x", b"II*\0", 8, 1, 279, 4, 1_000, 5_000))


@pytest.mark.parametrize(("kind", "code"), [(6, "b"), (8, "h"), (9, "i"), (17, "q")])
def test_a_strip_of_less_than_nothing_is_a_very_long_one(kind: int, code: str) -> None:
    with pytest.raises(UnreadableImageError, match="too many parts"):
        structure.check(write([[Tag(279, kind, 40, struct.pack(f"<40{code}", *[-1] * 40))]]))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(tiff(1, 1)[:8] + b"\xff" * 2, id="tags of TIFF"),
        pytest.param(tiff(10, 2**32 - 1), id="strips of TIFF"),
        pytest.param(tiff(1, 1, big=True)[:16] + b"\xff" * 8, id="tags of BigTIFF"),
        pytest.param(tiff(10, 2**64 - 1, big=True), id="strips of BigTIFF"),
    ],
)
def test_the_largest_number_that_a_file_can_name_is_too_many_and_not_below_zero(data: bytes) -> None:
    with pytest.raises(UnreadableImageError, match="too many parts"):
        structure.check(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(with_chunks(*[chunk(b"prIv")] * 1_000), id="chunks of PNG"),
        pytest.param(with_segments(*[segment(0xFE)] * 500), id="segments of JPEG"),
        pytest.param(with_segments(bytes(10_000)), id="padding in JPEG"),
        pytest.param(with_scans(50), id="scans of JPEG"),
        pytest.param(with_segments(segment(0xE1, segment(0xDA) * 1_000)), id="a JPEG's tags that look like scans"),
        pytest.param(JPEG + segment(0xDA) * 1_000, id="what stands behind a JPEG"),
        pytest.param(PNG + chunk(b"iCCP") * 1_000, id="what stands behind a PNG"),
        pytest.param(GIF + bytes(structure.MAX_BLOCKS + 1), id="what stands behind a GIF"),
        pytest.param(gif(0, 0, b"\x3b", bytes(structure.MAX_BLOCKS + 1)), id="what stands behind an empty GIF"),
        pytest.param(JPEG[:2] + SCAN + b"\xff\xd0" * 5_000, id="restarts within a scan"),
        pytest.param(JPEG[:2] + SCAN + bytes(2_000 * structure.JUNK) + b"\xff\xd9", id="a long scan"),
        pytest.param(tiff(10, structure.MAX_STRIPS + 1, tag=280), id="as many values of another tag"),
        pytest.param(write([[Tag(279, 2, 99, b"\xff" * 99)]]), id="lengths of strips that are no numbers"),
        pytest.param(write([[Tag(279, 4, structure.MAX_READ, b"\xff" * 4 * 16)]]), id="few strips of any length"),
        pytest.param(with_blocks(*[b"\x21\xfe\x01x\x00"] * 1_000), id="comments of GIF"),
        pytest.param(tiff(20, 5_000), id="strips of TIFF"),
        *(pytest.param(image_file(kind), id=kind) for kind in PILLOW_NAMES),
        *(pytest.param(image_file(kind) + bytes(4_000_000), id=f"zeros behind {kind}") for kind in PILLOW_NAMES),
        *(pytest.param(animated_file(kind), id=f"animated {kind}") for kind in ("GIF", "WEBP", "PNG", "TIFF")),
    ],
)
def test_what_an_image_may_have_is_not_judged(data: bytes) -> None:
    structure.check(data)


@pytest.mark.parametrize("kind", PILLOW_NAMES)
def test_a_file_that_is_cut_off_has_the_parts_that_it_has(kind: str) -> None:
    whole = image_file(kind)

    for kept in range(min(len(whole), 1_500)):
        structure.check(whole[:kept])


@pytest.mark.parametrize("data", [b"", b"II", b"hello", *(bytes([byte]) * 100_000 for byte in (0, 0x21, 0xFF))])
def test_what_is_no_image_is_left_to_the_decoder(data: bytes) -> None:
    structure.check(data)


@pytest.mark.parametrize(
    "head",
    [
        *(b"II*\0", b"MM\0*", b"II+\0", b"GIF89a", b"\xff\xd8\xff"),
        pytest.param(b"II*\0" + b"\xff" * 4, id="a TIFF whose tags would lie behind its end"),
        pytest.param(b"II+\0\x08\0\0\0" + b"\xff" * 8, id="a BigTIFF whose tags would lie behind its end"),
        pytest.param(gif(0, 0, b"\x21\xfe"), id="a GIF cut off within an extension"),
        pytest.param(gif(0, 0, b"\x21\xfe\x01x"), id="a GIF cut off between blocks"),
    ],
)
def test_a_beginning_alone_is_left_to_the_decoder(head: bytes) -> None:
    structure.check(head)
