"""Variants of a picture: download, display, thumbnail, placeholder; and what stays of motion and colours."""

from __future__ import annotations

import base64

import pytest
from PIL import Image, ImageCms

from accounts.pictures.worker import png
from tests.pictures import files
from tests.pictures.files import BLUE, RED, encoded, halves, is_near, moving
from tests.pictures.worker import NAMES, frames_of, shown, work

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_is_shown_as_webp_and_downloaded_as_what_it_was(kind: str) -> None:
    made = work(encoded(halves(), kind))
    assert made["type"] == f"image/{kind.lower()}"
    assert (made["width"], made["height"]) == (60, 30)
    assert [shown(made[name]).format for name in NAMES] == [kind, "WEBP", "WEBP"]
    for name in NAMES:
        picture = shown(made[name]).convert("RGB")
        assert is_near(picture.getpixel((5, 15)), RED)
        assert is_near(picture.getpixel((55, 15)), BLUE)


def test_large_pictures_are_scaled_down_for_the_page_and_kept_for_the_download() -> None:
    made = work(encoded(halves(3_000, 1_500), "JPEG"))
    assert [shown(made[name]).size for name in NAMES] == [(3_000, 1_500), (2_048, 1_024), (480, 240)]
    assert (made["width"], made["height"]) == (3_000, 1_500)


def test_a_very_long_picture_keeps_at_least_one_point() -> None:
    made = work(encoded(halves(8_000, 2), "PNG"))
    assert shown(made["thumb"]).size == (480, 1)
    assert shown(made["display"]).size == (2_048, 1)


def test_the_placeholder_is_a_tiny_picture_in_a_data_uri() -> None:
    placeholder = work(encoded(halves(1_600, 800), "JPEG"))["placeholder"]
    assert placeholder.startswith("data:image/webp;base64,")
    assert len(placeholder) < 500
    tiny = shown(base64.b64decode(placeholder.partition(",")[2]))
    assert tiny.size == (16, 8)
    assert is_near(tiny.convert("RGB").getpixel((2, 4)), RED)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_variant_is_upright(kind: str, orientation: int) -> None:
    """Red is where a viewer that honours the tag would show it."""
    exif = Image.Exif()
    exif[files.ORIENTATION] = orientation
    made = work(encoded(halves(), kind, exif=exif))
    is_sideways = orientation >= 5
    assert (made["width"], made["height"]) == ((30, 60) if is_sideways else (60, 30))
    red_first = orientation in {1, 4, 5, 6}
    for name in NAMES:
        picture = shown(made[name]).convert("RGB")
        near, far = ((15, 5), (15, 55)) if is_sideways else ((5, 15), (55, 15))
        assert is_near(picture.getpixel(near), RED if red_first else BLUE)
        assert is_near(picture.getpixel(far), BLUE if red_first else RED)


@pytest.mark.parametrize("value", [0, 9, 65_535])
def test_an_orientation_that_does_not_exist_changes_nothing(value: int) -> None:
    exif = Image.Exif()
    exif[files.ORIENTATION] = value
    assert shown(work(encoded(halves(), "JPEG", exif=exif))["file"]).size == (60, 30)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK", "1", "LA", "I;16"])
@pytest.mark.parametrize("kind", FORMATS)
def test_every_colour_mode_is_processed(mode: str, kind: str) -> None:
    try:
        data = encoded(halves(mode=mode), kind)
    except (OSError, ValueError):
        # The format has no such mode.
        return
    made = work(data)
    assert {shown(made[name]).size for name in NAMES} == {(60, 30)}


def test_sixteen_bits_keep_their_shades() -> None:
    """Cut off at 255 instead of scaled, nearly everything would be white."""
    dark = Image.new("I;16", (20, 20), 128 * 64)
    made = work(encoded(dark, "PNG"))
    for name in NAMES:
        assert 25 <= shown(made[name]).convert("L").getpixel((10, 10)) <= 40


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "RGB"), ("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("WEBP", "RGB")]
)
def test_colours_are_converted_before_the_profile_is_dropped(kind: str, mode: str) -> None:
    made = work(encoded(halves(mode=mode), kind, icc_profile=files.swapped_profile()))
    for name in NAMES:
        red, green, _ = shown(made[name]).convert("RGB").getpixel((5, 15))
        assert green > red


def test_a_profile_for_other_colours_than_these_is_ignored() -> None:
    made = work(encoded(halves(mode="L"), "PNG", icc_profile=files.swapped_profile()))
    assert shown(made["file"]).size == (60, 30)
    made = work(encoded(halves(), "JPEG", icc_profile=b"this is no profile"))
    assert is_near(shown(made["file"]).getpixel((5, 15)), RED)


@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("WEBP", {}), ("WEBP", {"lossless": True}), ("GIF", {})]
)
def test_transparency_is_kept(kind: str, options: dict[str, bool]) -> None:
    picture = halves(mode="RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 30, 30))
    made = work(encoded(picture, kind, **options))
    for name in NAMES:
        variant = shown(made[name]).convert("RGBA")
        assert variant.getpixel((5, 15))[3] == 0
        assert variant.getpixel((55, 15))[3] == 255


def test_a_png_and_a_lossless_webp_lose_no_point() -> None:
    noise = Image.effect_noise((80, 60), 90).convert("RGB")
    exif = files.turned_sideways()
    del exif[files.ORIENTATION]
    exif[0x010F] = "maker"
    lossless = encoded(noise, "WEBP", lossless=True, exif=exif, icc_profile=SRGB)
    assert lossless.index(b"VP8L") > len(SRGB), "another chunk comes first"
    for data in (encoded(noise, "PNG"), encoded(noise, "WEBP", lossless=True), lossless):
        assert shown(work(data)["file"]).convert("RGB").tobytes() == noise.tobytes()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
def test_large_pngs_are_written_with_a_filter_of_our_own(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "SMALL_PIXELS", 0)
    noise = Image.effect_noise((83, 131), 90).convert(mode)
    assert shown(work(encoded(noise, "PNG"))["file"]).convert(mode).tobytes() == noise.tobytes()


@pytest.mark.parametrize("quality", [70, 85, 95])
def test_a_jpeg_keeps_about_the_size_that_it_had(quality: int) -> None:
    noise = Image.effect_noise((400, 300), 40).convert("RGB")
    data = encoded(noise, "JPEG", quality=quality)
    assert 0.9 < len(work(data)["file"]) / len(data) < 1.1


def test_the_second_picture_of_a_phone_is_no_animation() -> None:
    """MPO files begin as JPEG; Pillow would open them as a format of their own."""
    first, second = encoded(halves(), "JPEG"), halves()
    double = encoded(halves(), "MPO", save_all=True, append_images=[second])
    assert len(double) > len(first)
    made = work(double)
    assert made["type"] == "image/jpeg"
    assert getattr(shown(made["display"]), "n_frames", 1) == 1


# Animations


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_moves_in_the_download_and_on_the_page(kind: str) -> None:
    made = work(moving(kind, frames=4))
    for name, count in (("file", 4), ("display", 4), ("thumb", 1)):
        assert getattr(shown(made[name]), "n_frames", 1) == count
    for variant in (made["file"], made["display"]):
        frames = frames_of(variant)
        assert [
            is_near(frame.getpixel((5, 5)), (index * 50, 255 - index, 40))
            for index, frame in enumerate(frames)
        ] == [True] * 4
        assert shown(variant).info.get("loop") == 0
        picture = shown(variant)
        picture.load()
        assert picture.info["duration"] == 80
    assert made["type"] == f"image/{kind.lower()}"


def test_a_gif_is_the_same_point_for_point() -> None:
    """Frames smaller than the canvas, each way of disposing, local colours, transparency, interlacing."""
    first = Image.effect_noise((60, 40), 90).quantize(16)
    later = [Image.effect_noise((60, 40), 90).quantize(8) for _ in range(3)]
    for picture in later:
        picture.info["transparency"] = 0
    for disposal in (0, 1, 2, 3):
        gif = encoded(
            first,
            "GIF",
            save_all=True,
            append_images=later,
            disposal=disposal,
            duration=[20, 50, 70, 500],
            loop=3,
        )
        made = work(gif)["file"]
        assert [frame.tobytes() for frame in frames_of(made)] == [frame.tobytes() for frame in frames_of(gif)]
        assert shown(made).info["loop"] == 3
    interlaced = encoded(first, "GIF", interlace=1)
    assert shown(work(interlaced)["file"]).convert("RGB").tobytes() == first.convert("RGB").tobytes()


def test_a_gif_that_does_not_repeat_is_played_once() -> None:
    made = work(encoded(halves(), "GIF", save_all=True, append_images=[halves(mode="L")], duration=50))
    assert "loop" not in shown(made["file"]).info
    assert shown(made["display"]).info["loop"] == 1


def test_frames_without_a_duration_get_the_one_that_browsers_give_them() -> None:
    made = work(encoded(halves(), "GIF", save_all=True, append_images=[halves(mode="L")], duration=0))
    picture = shown(made["display"])
    picture.load()
    assert picture.info["duration"] == 100


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_a_large_animation_is_smaller_on_the_page(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.pictures.worker.animation.DISPLAY_PIXELS_IN_ALL", 4 * 50 * 40)
    made = work(moving(kind, frames=4, size=(100, 80)))
    assert shown(made["display"]).size == (50, 40)
    assert len(frames_of(made["display"])) == len(frames_of(made["file"])) == 4
    assert shown(made["file"]).size == (100, 80)
    assert (made["width"], made["height"]) == (100, 80)


def test_an_animation_is_upright_and_in_the_right_colours() -> None:
    data = moving("WEBP", exif=files.turned_sideways().tobytes(), icc_profile=files.swapped_profile())
    made = work(data)
    for name in NAMES:
        picture = shown(made[name])
        assert picture.size == (30, 40)
        red, green, _ = picture.convert("RGB").getpixel((5, 5))
        assert red > green, "the first frame is green without the profile"


def test_a_png_whose_first_picture_is_not_part_of_its_animation() -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("black", RED, BLUE)]
    data = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], default_image=True, duration=90)
    made = work(data)
    assert len(frames_of(made["file"])) == len(frames_of(made["display"])) == 2
    assert is_near(shown(made["thumb"]).convert("RGB").getpixel((5, 5)), RED)


def test_a_png_that_claims_to_move_but_has_one_frame_is_a_still_picture() -> None:
    one = encoded(halves(), "PNG", save_all=True, append_images=[halves()], duration=50)
    made = work(one)
    assert getattr(shown(made["file"]), "n_frames", 1) == 1
