"""What the pretend customer can attach: small real files, made here."""

import base64
import struct
import zlib
from functools import cache

# A lossless image of one pixel: the smallest sticker there is.
_STICKER = "UklGRh4AAABXRUJQVlA4TBEAAAAvAAAAAAfQ//73v/+BiOh/AAA="


@cache
def photo() -> bytes:
    """Return a PNG of a printed cloth, 240 by 160."""
    colours = ((11, 107, 79), (240, 180, 41), (178, 34, 34), (250, 245, 235))
    rows = bytearray()
    for y in range(160):
        rows.append(0)
        for x in range(240):
            ring = ((x % 60 - 30) ** 2 + (y % 53 - 26) ** 2) // 90
            rows += bytes(colours[(ring + (x // 60 + y // 53)) % 4])

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 240, 160, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(rows), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


@cache
def voice() -> bytes:
    """Return an Ogg/Opus voice note: one second of silence."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 9) + b"simulator" + struct.pack("<I", 0)
    frames = [b"\xf8\xff\xfe"] * 50
    return _page(0, 2, 0, [head]) + _page(1, 0, 0, [tags]) + _page(2, 4, 50 * 960, frames)


def _page(number: int, flags: int, granule: int, packets: list[bytes]) -> bytes:
    table = bytes(len(p) for p in packets)
    page = bytearray(
        b"OggS" + struct.pack("<BBqIIIB", 0, flags, granule, 1, number, 0, len(table)) + table
    )
    page += b"".join(packets)
    page[22:26] = struct.pack("<I", _crc(page))
    return bytes(page)


def _crc(data: bytes | bytearray) -> int:
    crc = 0
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = ((crc << 1) ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc


@cache
def sticker() -> bytes:
    """Return a WebP sticker."""
    return base64.b64decode(_STICKER)


@cache
def document() -> bytes:
    """Return a PDF of one page that says it is a receipt."""
    text = b"BT /F1 18 Tf 40 90 Td (Transfer receipt: N 22,500.00) Tj ET"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 340 180]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    out, places = bytearray(b"%PDF-1.4\n"), []
    for index, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj%sendobj\n" % (index, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)
