"""What is made of good pictures and bad ones."""

import io
import tracemalloc

import pytest
from PIL import Image, ImageCms

from apps.items.errors import ImageTooLarge, ImageUnreadable
from apps.items.rendering import Rendered, render
from project.errors import Invalid
from tests.apps.items import pictures

LIMIT = 40_000_000


def rendered(content: bytes, *, max_pixels: int = LIMIT) -> Rendered:
    return render(io.BytesIO(content), max_pixels=max_pixels, quality=80)


def large(content: bytes) -> Image.Image:
    return pictures.decode(rendered(content).renditions["large"])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "MPO"])
def test_formats(kind: str) -> None:
    found = rendered(pictures.picture(kind, (2560, 1920)))
    images = {name: pictures.decode(content) for name, content in found.renditions.items()}
    assert {name: image.size for name, image in images.items()} == {
        "small": (320, 240),
        "large": (1280, 960),
    }
    assert {image.format for image in images.values()} == {"WEBP"}
    assert (found.width, found.height) == (1280, 960)


def test_quality() -> None:
    """Less of it takes fewer bytes."""
    content = pictures.picture("JPEG", (640, 480))
    low, high = (render(io.BytesIO(content), max_pixels=LIMIT, quality=q) for q in (10, 95))
    assert len(low.renditions["large"]) < len(high.renditions["large"])


@pytest.mark.parametrize("size", [(100, 50), (1, 1), (1, 4000), (4000, 1), (1281, 1279)])
def test_never_enlarged(size: tuple[int, int]) -> None:
    found = rendered(pictures.picture("PNG", size))
    assert (found.width, found.height) <= size
    assert max(found.width, found.height) == min(1280, max(size))
    assert min(found.width, found.height) >= 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "top_left"),
    [(1, "red"), (2, "blue"), (3, "blue"), (4, "red"), (5, "red"), (6, "red"), (7, "blue")],
)
def test_upright(kind: str, orientation: int, top_left: str) -> None:
    image = large(pictures.taken_on_the_side(kind, orientation))
    assert image.size == ((400, 800) if orientation >= 5 else (800, 400))
    red, _, blue = image.convert("RGB").getpixel((10, 10))  # type: ignore[misc]
    assert ("red" if red > blue else "blue") == top_left


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_where_it_was_taken_is_dropped(kind: str) -> None:
    content = pictures.taken_on_the_side(kind)
    assert pictures.decode(content).getexif().get_ifd(pictures.GPS)
    for rendition in rendered(content).renditions.values():
        image = pictures.decode(rendition)
        assert not image.getexif()
        assert not [chunk for chunk in (b"EXIF", b"XMP ", b"ICCP") if chunk in rendition]


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA"])
def test_transparency_and_palettes(mode: str) -> None:
    source = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    source.paste((0, 0, 255, 255), (0, 0, 20, 40))
    options = {"transparency": 0} if mode == "P" else {}
    image = large(pictures.encode(source.convert(mode), "PNG", **options))
    assert image.mode == ("RGB" if mode in {"1", "L"} else "RGBA")
    assert image.size == (40, 40)


def test_transparent_colours_do_not_bleed() -> None:
    source = Image.new("RGBA", (2600, 2600), (255, 255, 255, 0))
    source.paste((0, 0, 0, 255), (0, 0, 1300, 2600))
    image = large(pictures.encode(source, "PNG"))
    assert image.getpixel((100, 100)) == (0, 0, 0, 255)
    assert image.convert("RGBA").getpixel((1200, 100))[3] == 0  # type: ignore[index]


def test_sixteen_bits_keep_their_tone() -> None:
    image = large(pictures.encode(Image.new("I;16", (40, 40), 128 * 256), "PNG"))
    assert image.convert("L").getpixel((5, 5)) == pytest.approx(128, abs=2)


def test_cmyk() -> None:
    image = large(pictures.encode(Image.new("CMYK", (40, 40), (0, 255, 255, 0)), "JPEG"))
    red, green, blue = image.getpixel((5, 5))  # type: ignore[misc]
    assert (red > 200, green < 60, blue < 60) == (True, True, True)


def srgb_with_red_and_green_exchanged() -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exchanged = profile.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ")
    return exchanged.replace(b"----", b"gXYZ").replace("sRGB".encode("utf-16-be"), bytes(8))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_are_translated(mode: str) -> None:
    profile = srgb_with_red_and_green_exchanged()
    image = large(pictures.encode(Image.new(mode, (9, 9), "red"), "PNG", icc_profile=profile))
    red, green, *_ = image.getpixel((4, 4))  # type: ignore[misc]
    assert (red < 20, green > 240) == (True, True)


@pytest.mark.parametrize("kind", ["LAB", "nonsense"])
def test_profiles_that_do_not_fit(kind: str) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    profile = lab if kind == "LAB" else kind.encode()
    content = pictures.encode(Image.new("RGB", (9, 9), "red"), icc_profile=profile)
    red, green, _ = large(content).getpixel((4, 4))  # type: ignore[misc]
    assert (red > 240, green < 20) == (True, True)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_first_frame_of_an_animation(kind: str) -> None:
    red, _, blue = large(pictures.animation(kind)).convert("RGB").getpixel((5, 5))  # type: ignore[misc]
    assert red > blue


# Pillow warns of some of them and refuses others; the limit is ours.
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", [(13_000, 13_000), (14_000, 14_000), (6400, 6300)])
def test_bombs_are_refused_before_they_are_decoded(size: tuple[int, int]) -> None:
    bomb = pictures.png_bomb(*size)
    assert len(bomb) < 400_000
    tracemalloc.start()
    with pytest.raises(ImageTooLarge):
        rendered(bomb)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_bombs_as_webp() -> None:
    with pytest.raises(Invalid):
        rendered(pictures.webp_bomb())
    with pytest.raises(ImageTooLarge):
        rendered(pictures.picture("WEBP", (400, 400)), max_pixels=400 * 399)


def test_bomb_of_time() -> None:
    with pytest.raises(ImageUnreadable):
        rendered(pictures.endless_jpeg())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_truncated(kind: str, share: float) -> None:
    content = pictures.encode(Image.effect_noise((300, 300), 90).convert("RGB"), kind)
    with pytest.raises(ImageUnreadable):
        rendered(content[: int(len(content) * share)])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff\xda" * 50,
        b"<html><script>alert(1)</script></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"RIFF\xff\xff\xff\xffWEBPVP8 ",
        b"\x00" * 100_000,
    ],
)
def test_what_is_no_picture(content: bytes) -> None:
    with pytest.raises(ImageUnreadable):
        rendered(content)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "ICO", "PPM"])
def test_other_formats(kind: str) -> None:
    with pytest.raises(ImageUnreadable):
        rendered(pictures.picture(kind, (32, 32)))


def test_same_picture_same_digest() -> None:
    one, other = pictures.picture(size=(50, 50)), pictures.picture(size=(50, 51))
    assert rendered(one).digest == rendered(one).digest != rendered(other).digest
