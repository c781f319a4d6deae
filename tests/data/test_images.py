import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tfxai.data import images as module
from tfxai.data.images import fit_image, list_images, read_image
from tfxai.errors import DataNotFoundError, InvalidInputError, UnknownNameError

COLOURS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)


def write_png(path, width, height, rows, bits=8, colour=2):
    """A PNG written by hand, for what Pillow itself would not write."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in chunks:
        crc = struct.pack(">I", zlib.crc32(kind + body))
        data += struct.pack(">I", len(body)) + kind + body + crc
    path.write_bytes(data)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "ppm", "gif"])
def test_lossless_formats_give_their_pixels(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(COLOURS).save(path)
    image = read_image(path)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, COLOURS)


def test_the_name_of_the_file_does_not_matter(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "a.png")
    path = (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    np.testing.assert_array_equal(read_image(path), COLOURS)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_of_an_animation_the_first_frame_is_taken(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
    np.testing.assert_array_equal(read_image(path), np.full((8, 8, 3), (255, 0, 0)))


def test_of_a_tiff_with_pages_the_first_is_taken(tmp_path):
    pages = [Image.new("RGB", (4, 4), colour) for colour in ("lime", "blue")]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[0, 0], (0, 255, 0))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_grey_of_16_bits_is_scaled_to_8(tmp_path, suffix):
    grey = np.array([[0, 257], [32896, 65535]], np.uint16)  # 257 * (0, 1, 128, 255)
    Image.fromarray(grey).save(tmp_path / f"a.{suffix}")
    image = read_image(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(image[..., 0], [[0, 1], [128, 255]])
    np.testing.assert_array_equal(image, np.repeat(image[..., :1], 3, axis=-1))


def test_colours_of_16_bits_are_scaled_to_8(tmp_path):
    row = b"\x00" + struct.pack(">6H", 0, 257, 514, 65535, 32896, 257 * 7)
    write_png(tmp_path / "a.png", 2, 1, row, bits=16)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), [[[0, 1, 2], [255, 128, 7]]])


def test_floats_are_refused(tmp_path):
    Image.fromarray(np.ones((2, 2), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(InvalidInputError, match=r"32-bit pixels, for which white is not defined"):
        read_image(tmp_path / "a.tif")


def test_cmyk_becomes_red_green_and_blue(tmp_path):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    difference = read_image(tmp_path / "a.jpg").astype(int) - (255, 0, 0)
    assert np.abs(difference).max() <= 3  # JPEG


@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_grey_black_and_white_and_palette_become_colours(tmp_path, mode):
    picture = Image.fromarray(np.array([[0, 255]], np.uint8)).convert(mode)
    picture.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), [[[0] * 3, [255] * 3]])


def test_transparency_is_laid_on_white(tmp_path):
    pixels = np.array([[[255, 0, 0, 255], [0, 0, 0, 0], [0, 0, 0, 51]]], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    # 51/255 = 0.2 of black on white: 0.8 * 255 = 204
    expected = [[[255, 0, 0], [255, 255, 255], [204, 204, 204]]]
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), expected)


def test_transparent_palette_colour_is_laid_on_white(tmp_path):
    picture = Image.new("P", (2, 1), 0)
    picture.putpalette([0, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "a.png", transparency=0)
    expected = [[[255, 255, 255], [0, 0, 255]]]
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), expected)


def test_orientation_of_the_camera_is_applied(tmp_path):
    picture = Image.fromarray(np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8))
    exif = picture.getexif()
    exif[0x0112] = 6  # turn a quarter clockwise to see it upright
    picture.save(tmp_path / "a.png", exif=exif)
    expected = [[[255, 0, 0]], [[0, 0, 255]]]
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), expected)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"There is no file .*none.png"):
        read_image(tmp_path / "none.png")


def test_a_folder_is_no_image(tmp_path):
    with pytest.raises(InvalidInputError, match=r"a folder or a device, not an image"):
        read_image(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello\n", b"<svg/>", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_a_file_that_is_no_image_is_refused(tmp_path, content):
    path = tmp_path / "text.png"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=r"'.*text.png' is not an image that can be read"):
        read_image(path)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
def test_a_file_cut_short_is_refused(tmp_path, format):
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, format)
    path = tmp_path / "cut.png"
    path.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    with pytest.raises(InvalidInputError, match=r"cut.png' (cannot be read|is not an image)"):
        read_image(path)


def test_a_damaged_file_is_refused(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "a.png")
    data = bytearray((tmp_path / "a.png").read_bytes())
    data[data.index(b"IDAT") + 6] ^= 0xFF
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(InvalidInputError, match=r"cannot be read"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("side", [9_000, 10_000, 20_000, 60_000])
def test_a_small_file_with_too_many_pixels_is_refused_before_decoding(tmp_path, side):
    write_png(tmp_path / "bomb.png", side, side, b"\x00" * 1000, colour=0)
    with pytest.raises(InvalidInputError, match=r"pixels; at most 67,108,864 are read"):
        read_image(tmp_path / "bomb.png")


def test_an_unreadable_file_is_refused(tmp_path, monkeypatch):
    def denied(*args, **options):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.png").touch()
    monkeypatch.setattr(module.Image, "open", denied)
    with pytest.raises(InvalidInputError, match=r"cannot be read: Permission denied. Pass"):
        read_image(tmp_path / "a.png")


def test_fit_takes_the_middle_of_a_wide_image():
    image = np.zeros((4, 12, 3), np.uint8)
    image[:, 4:8] = 200  # the middle square alone
    np.testing.assert_array_equal(fit_image(image, 4, 4), np.full((4, 4, 3), 200))


def test_fit_takes_the_middle_of_a_high_image():
    image = np.zeros((30, 10, 3), np.uint8)
    image[10:20] = 90
    np.testing.assert_array_equal(fit_image(image, 10, 10), np.full((10, 10, 3), 90))


def test_fit_keeps_the_aspect_ratio_that_is_asked_for():
    image = np.zeros((10, 40, 3), np.uint8)
    image[:, 10:30] = 7  # of 10x40, the middle 10x20 has the ratio 1:2
    np.testing.assert_array_equal(fit_image(image, 10, 20), np.full((10, 20, 3), 7))


def test_fit_averages_what_it_shrinks():
    board = np.indices((64, 64)).sum(axis=0) % 2 * 255  # a pixel taken as it is would be 0 or 255
    image = np.repeat(board[..., None], 3, axis=-1).astype(np.uint8)
    middle = fit_image(image, 8, 8)[2:6, 2:6]
    assert np.abs(middle.astype(int) - 127).max() <= 2


def test_fit_is_bilinear_where_that_is_asked_for():
    ramp = np.repeat(np.array([[0, 200]], np.uint8)[..., None], 3, axis=-1).repeat(2, axis=0)
    grown = fit_image(ramp, 8, 8, "bilinear")[3, :, 0]
    # pixel centres at (i + 1/2) / 4 - 1/2 between the two, beyond them the nearest
    np.testing.assert_array_equal(grown, [0, 0, 25, 75, 125, 175, 200, 200])
    assert fit_image(ramp, 8, 8)[3, :, 0].tolist() != grown.tolist()


def test_bilinear_is_that_of_the_definition():
    image = np.random.default_rng(0).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    place = np.clip((np.arange(12) + 0.5) * 5 / 12 - 0.5, 0, 4)
    low = np.minimum(place.astype(int), 3)
    share = place - low
    weights = np.zeros((12, 5))
    weights[np.arange(12), low] = 1 - share
    weights[np.arange(12), low + 1] = share
    expected = np.einsum("ai,bj,ijc->abc", weights, weights, image)
    grown = fit_image(image, 12, 12, "bilinear")
    assert np.abs(grown - expected).max() <= 1  # whole numbers, rounded along each axis


def test_an_unknown_interpolation_is_refused():
    with pytest.raises(UnknownNameError, match=r"no interpolation 'bilnear'. Did you"):
        fit_image(COLOURS, 4, 4, "bilnear")


def test_fit_leaves_an_image_of_that_size_as_it_is():
    np.testing.assert_array_equal(fit_image(COLOURS, 2, 2), COLOURS)


@pytest.mark.parametrize("shape", [(37, 91), (91, 37), (1, 1), (999, 7)])
def test_fit_brings_any_shape_to_the_size(shape):
    image = np.full((*shape, 3), 13, np.uint8)
    np.testing.assert_array_equal(fit_image(image, 33, 29), np.full((33, 29, 3), 13))


@pytest.mark.parametrize(
    ("image", "size", "sentence"),
    [
        (np.zeros((4, 4), np.uint8), (2, 2), r"shape \(4, 4\) and type uint8 is not an image"),
        (np.zeros((4, 4, 3), np.float32), (2, 2), "type float32 is not an image"),
        (np.zeros((0, 4, 3), np.uint8), (2, 2), r"\(0, 4, 3\)"),
        (COLOURS, (0, 2), "height=0, width=2 is not the size"),
    ],
)
def test_fit_refuses_what_is_no_image_or_size(image, size, sentence):
    with pytest.raises(InvalidInputError, match=sentence):
        fit_image(image, *size)


def test_list_holds_the_images_of_a_folder_in_order(tmp_path):
    for name in ("b.PNG", "a.jpg", ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in list_images(tmp_path)] == ["a.jpg", "b.PNG"]


def test_list_refuses_what_holds_no_image(tmp_path):
    with pytest.raises(InvalidInputError, match=r"holds no image"):
        list_images(tmp_path)
    with pytest.raises(DataNotFoundError, match=r"There is no folder"):
        list_images(tmp_path / "none")
    (tmp_path / "a.png").touch()
    with pytest.raises(InvalidInputError, match=r"is not a folder"):
        list_images(tmp_path / "a.png")
