"""Pictures to upload, good ones and bad ones."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

GPS = 0x8825
ORIENTATION = 0x0112
PLACE = "52 deg 31' N"


def encode(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    output = io.BytesIO()
    image.save(output, kind, **options)
    return output.getvalue()


def decode(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def picture(kind: str = "JPEG", size: tuple[int, int] = (640, 480), mode: str = "RGB") -> bytes:
    """A plain picture."""
    return encode(Image.new(mode, size, "orange" if mode == "RGB" else 128), kind)


def halves(size: tuple[int, int] = (800, 400)) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (size[0] // 2, 0, *size))
    return image


def taken_on_the_side(kind: str = "JPEG", orientation: int = 6) -> bytes:
    """A photograph with its orientation and the place where it was taken."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010E] = PLACE
    exif.get_ifd(GPS).update({1: "N", 2: (52.0, 31.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0)})
    return encode(halves(), kind, exif=exif, comment=PLACE.encode())


def png_bomb(width: int, height: int) -> bytes:
    """A PNG that is small until it is decoded."""
    packed = zlib.compressobj(9)
    row = bytes(1 + width // 8 + 1)
    data = b"".join(packed.compress(row) for _ in range(height)) + packed.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", data), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def webp_bomb(width: int = 16_383, height: int = 16_383) -> bytes:
    """The header of a WebP as large as the format allows, and nothing behind it."""
    frame = b"\x30\x01\x00\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(20)
    chunk = b"VP8 " + struct.pack("<I", len(frame)) + frame
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def endless_jpeg() -> bytes:
    """A JPEG whose last scan comes again and again."""
    content = encode(Image.new("L", (64, 64), 99), progressive=True)
    start = content.rindex(b"\xff\xda")
    return content[:start] + content[start:-2] * 5000 + content[-2:]


def animation(kind: str) -> bytes:
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "blue", "lime")]
    return encode(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
