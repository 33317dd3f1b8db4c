"""Headers that say what is not so: sizes, depths, counts and kinds at and beyond their bounds."""

import struct
from collections.abc import Iterator

from tests.hostile import bmp, gif, jpeg, png, tiff, webp
from tests.hostile.case import ANY, Case, case
from tests.hostile.samples import all_samples

FAMILY = "header lies"
BYTE = (0, 1, 2, 3, 7, 9, 16, 32, 127, 128, 255)
WORD = (0, 1, 31, 32, 255, 256, 0x7FFF, 0x8000, 0xFFFF)
LONG = (0, 1, 31, 32, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_VALUES = {"B": BYTE, "H": WORD, "I": LONG}


def cases() -> Iterator[Case]:
    """Yield all of them; where the lie is a small one, the image may be answered."""
    for kind, lies in (("PNG", _png), ("JPEG", _jpeg), ("WEBP", _webp), ("BMP", _bmp), ("TIFF", _tiff), ("GIF", _gif)):
        for name, data in lies():
            yield case(FAMILY, f"{kind} {name}", data, ANY)


def _fields(data: bytes, fields: dict[str, tuple[int, str]]) -> Iterator[tuple[str, bytes]]:
    """Yield the file with each field at each bound; a field is a place and a letter of struct's."""
    for name, (at, layout) in fields.items():
        for value in _VALUES[layout[-1]]:
            changed = bytearray(data)
            struct.pack_into(layout, changed, at, value)
            yield f"{name} {value}", bytes(changed)


def _png() -> Iterator[tuple[str, bytes]]:
    data = all_samples()["PNG"]["grey"]
    fields = {"width": (16, ">I"), "height": (20, ">I"), "compression": (26, "B"), "filter": (27, "B")}
    fields |= {"interlace": (28, "B"), "length of its header": (8, ">I")}
    for name, lie in _fields(data, fields):
        yield name, png.mended(lie)
    for colour in range(8):
        for depth in (0, 1, 2, 3, 4, 8, 16, 32):
            yield f"colour type {colour} of {depth} bits", png.mended(data[:24] + bytes([depth, colour]) + data[26:])


def _jpeg() -> Iterator[tuple[str, bytes]]:
    for sample in ("colour", "progressive"):
        data = all_samples()["JPEG"][sample]
        at = jpeg.frame(data)
        fields = {"frame's length": (at + 2, ">H"), "precision": (at + 4, "B"), "height": (at + 5, ">H")}
        fields |= {"width": (at + 7, ">H"), "components": (at + 9, "B"), "component's name": (at + 10, "B")}
        fields |= {"sampling": (at + 11, "B"), "table": (at + 12, "B")}
        for name, lie in _fields(data, fields):
            yield f"{sample} {name}", lie
        for marker in (*range(0xC0, 0xD0), 0xDC, 0xDE, 0xF7):
            yield f"{sample} frame {marker:02X}", data[: at + 1] + bytes([marker]) + data[at + 2 :]
        for part, place in list(jpeg.parts(data)):
            if part.endswith("length"):
                for value in (0, 1, 2, 3, 0xFFFF):
                    yield f"{sample} {part} {value}", data[:place] + struct.pack(">H", value) + data[place + 2 :]


def _webp() -> Iterator[tuple[str, bytes]]:
    for sample in ("lossy", "lossless", "named", "animated"):
        data = all_samples()["WEBP"][sample]
        fields = {"RIFF's length": (4, "<I")}
        for number, (kind, at, length) in enumerate(webp.chunks(data)):
            fields[f"length of {number} {kind.decode()}"] = (at + 4, "<I")
            fields |= {
                f"byte {place} of {number} {kind.decode()}": (at + 8 + place, "B") for place in range(min(length, 10))
            }
        for name, lie in _fields(data, fields):
            yield f"{sample} {name}", lie


def _bmp() -> Iterator[tuple[str, bytes]]:
    fields = {"offset": (10, "<I"), "header": (14, "<I"), "width": (18, "<I"), "height": (22, "<I")}
    fields |= {"planes": (26, "<H"), "bits": (28, "<H"), "compression": (30, "<I"), "colours": (46, "<I")}
    for sample in ("palette", "runs"):
        for name, lie in _fields(all_samples()["BMP"][sample], fields):
            yield f"{sample} {name}", lie
    data = all_samples()["BMP"]["colour"]
    for header in bmp.HEADERS:
        yield f"colour header {header}", data[:14] + struct.pack("<I", header) + data[18:]
    for bits in range(33):
        for compression in range(5):
            lie = data[:28] + struct.pack("<HI", bits, compression) + data[34:]
            yield f"colour of {bits} bits, compression {compression}", lie


def _tiff() -> Iterator[tuple[str, bytes]]:
    for sample in ("grey", "deflate"):
        data = all_samples()["TIFF"][sample]
        for one in tiff.entries(data):
            for kind in range(19):
                yield f"{sample} tag {one.number} type {kind}", tiff.changed(data, one.number, kind=kind)
            for count in (0, 2, 3, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF):
                yield f"{sample} tag {one.number} count {count}", tiff.changed(data, one.number, count=count)
            for value in LONG:
                yield f"{sample} tag {one.number} value {value}", tiff.changed(data, one.number, value=value)
        for value in (0, 1, 4, 8, len(data) - 1, len(data), 0x7FFFFFFF, 0xFFFFFFFF):
            yield f"{sample} directory at {value}", data[:4] + struct.pack("<I", value) + data[8:]
        places = dict(tiff.parts(data))
        after = places["next directory's place"]
        yield f"{sample} directory after itself", data[:after] + data[4:8] + data[after + 4 :]
        for count in (0, 1, 0xFF, 0xFFFF):
            at = places["directory"]
            yield f"{sample} directory of {count} tags", data[:at] + struct.pack("<H", count) + data[at + 2 :]
        yield f"{sample} of the other order", b"MM\0*" + data[4:]
        yield f"{sample} BigTIFF", b"II+\0" + data[4:]


def _gif() -> Iterator[tuple[str, bytes]]:
    for sample in ("plain", "animated"):
        data = all_samples()["GIF"][sample]
        places = dict(gif.parts(data))
        image = next(at for name, at in places.items() if name.endswith("2C introducer"))
        code = next(at for name, at in places.items() if name.endswith("code size"))
        fields = {
            "screen's width": (6, "<H"),
            "screen's height": (8, "<H"),
            "flags": (10, "B"),
            "background": (11, "B"),
        }
        fields |= {"left": (image + 1, "<H"), "top": (image + 3, "<H"), "width": (image + 5, "<H")}
        fields |= {"height": (image + 7, "<H"), "frame's flags": (image + 9, "B"), "code size": (code, "B")}
        fields |= {"first block's length": (code + 1, "B")}
        for name, lie in _fields(data, fields):
            yield f"{sample} {name}", lie
        for size in range(16):
            yield f"{sample} codes of {size} bits", data[:code] + bytes([size]) + data[code + 1 :]
