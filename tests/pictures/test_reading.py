import cv2
import numpy as np
import pytest
from drawn_pictures import (
    HEIGHT,
    WIDTH,
    color_kinds,
    exif,
    gray_kinds,
    gray_scene,
    save_png,
    save_tiff,
    save_turned,
    scene,
    upright_as,
)
from PIL import Image

from choi_d2.data.image_sizes import read_image_sizes
from choi_d2.pictures import read_picture, read_picture_size
from choi_d2.utils import InputError

PLACES = {
    "jpeg": ".jpg",
    "jpeg xmp": ".jpg",
    "png early": ".png",
    "png late": ".png",
    "png xmp": ".png",
    "png xmp late": ".png",
    "webp": ".webp",
    "webp xmp": ".webp",
    "tiff": ".tif",
}


def test_gray_pictures_of_every_kind_are_the_same_array(tmp_path):
    for name, path in gray_kinds(tmp_path).items():
        found = read_picture(path)
        assert found.dtype == np.uint8 and found.shape == (HEIGHT, WIDTH, 3), name
        assert (found == gray_scene()[:, :, None]).all(), name
        assert read_picture_size(path) == (HEIGHT, WIDTH), name


def test_colours_of_every_kind_are_the_same_array(tmp_path):
    for name, path in color_kinds(tmp_path).items():
        found = read_picture(path)
        assert found.dtype == np.uint8 and found.flags.c_contiguous, name
        np.testing.assert_array_equal(found[:, :, ::-1], scene(), err_msg=name)
        assert read_picture_size(path) == (HEIGHT, WIDTH), name


def test_one_bit_is_black_and_white(tmp_path):
    Image.fromarray(gray_scene() > 127).save(tmp_path / "a.png")
    assert (read_picture(tmp_path / "a.png")[:, :, 0] == (gray_scene() > 127) * 255).all()


def test_gray_with_alpha_in_16_bits(tmp_path):
    lines = np.dstack([gray_scene().astype(">u2") * 257, np.full((HEIGHT, WIDTH), 300, ">u2")])
    rows = b"".join(b"\0" + line.astype(">u2").tobytes() for line in lines)
    save_png(tmp_path / "a.png", 16, 4, rows, WIDTH, HEIGHT)
    assert (read_picture(tmp_path / "a.png") == gray_scene()[:, :, None]).all()


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_printers_colours_are_not_inverted(tmp_path, suffix):
    """Pillow writes CMYK JPEGs as Adobe does: inverted, and says so in them."""
    image = Image.fromarray(scene()).convert("CMYK")
    image.save(tmp_path / f"a{suffix}", **({"quality": 100} if suffix == ".jpg" else {}))
    found = read_picture(tmp_path / f"a{suffix}")[:, :, ::-1].astype(int)
    corners = (slice(2, None, 8), slice(3, None, 13))
    assert abs(found[corners] - scene()[corners].astype(int)).max() <= 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("where", PLACES)
def test_an_orientation_is_applied_once(tmp_path, where, orientation):
    path = save_turned(tmp_path / f"a{PLACES[where]}", where, orientation)
    found = read_picture(path)[:, :, ::-1].astype(int)
    tolerance = 40 if where.startswith("jpeg") else 0
    assert found.shape == (HEIGHT, WIDTH, 3)
    assert abs(found[2:10:7, 3:18:14] - scene()[2:10:7, 3:18:14].astype(int)).max() <= tolerance
    assert read_picture_size(path) == (HEIGHT, WIDTH)


@pytest.mark.parametrize("kind", ["L", "I;16", "I", "F"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix, packed", [(".png", None), (".tif", "raw"), (".tif", "tiff_lzw")])
def test_gray_pictures_are_turned_too(tmp_path, kind, orientation, suffix, packed):
    """Pillow maps some uncompressed TIFFs into memory, and then turns them wrongly."""
    if suffix == ".png" and kind in "IF":
        pytest.skip("no such PNG")
    dtype, factor = {
        "L": (np.uint8, 1),
        "I;16": (np.uint16, 257),
        "I": (np.int32, 8421504),
        "F": (np.float32, 1 / 255),
    }[kind]
    stored = upright_as(orientation, gray_scene())
    image = Image.fromarray((stored.astype(np.float64) * factor).astype(dtype))
    assert image.mode == kind
    options = {} if packed is None else {"compression": packed}
    image.save(tmp_path / f"a{suffix}", exif=exif(orientation), **options)
    assert (read_picture(tmp_path / f"a{suffix}") == gray_scene()[:, :, None]).all()
    assert read_picture_size(tmp_path / f"a{suffix}") == (HEIGHT, WIDTH)


def test_deep_colours_are_turned_too(tmp_path):
    stored = np.ascontiguousarray(np.rot90(scene()))
    rows = b"".join(b"\0" + (line.astype(">u2") * 257).astype(">u2").tobytes() for line in stored)
    save_png(tmp_path / "a.png", 16, 2, rows, *stored.shape[1::-1])
    plain = (tmp_path / "a.png").read_bytes()
    Image.new("L", (1, 1)).save(tmp_path / "exif.png", exif=exif(6))
    donor = (tmp_path / "exif.png").read_bytes()
    start = donor.index(b"eXIf") - 4
    length = int.from_bytes(donor[start : start + 4], "big")
    end = plain.index(b"IEND") - 4
    (tmp_path / "a.png").write_bytes(plain[:end] + donor[start : start + 12 + length] + plain[end:])
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png")[:, :, ::-1], scene())
    assert read_picture_size(tmp_path / "a.png") == (HEIGHT, WIDTH)


def test_a_broken_exif_block_does_not_cost_the_picture(tmp_path):
    for suffix in (".jpg", ".png", ".webp"):
        Image.fromarray(scene()).save(tmp_path / f"a{suffix}", exif=b"Exif\0\0no such thing")
        assert read_picture(tmp_path / f"a{suffix}").shape == (HEIGHT, WIDTH, 3)
        assert read_picture_size(tmp_path / f"a{suffix}") == (HEIGHT, WIDTH)


@pytest.mark.parametrize("where", ["png early", "png xmp"])
def test_an_orientation_before_the_pixels_needs_none_of_them(tmp_path, where):
    path = save_turned(tmp_path / "a.png", where, 6)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"IDAT") + 6])
    assert read_picture_size(path) == (HEIGHT, WIDTH)


def test_only_headers_are_read_for_sizes(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 80, 3), dtype=np.uint8)
    for suffix in (".png", ".jpg", ".tif", ".webp"):
        path = tmp_path / f"a{suffix}"
        Image.fromarray(noise).save(path)
        if suffix in (".png", ".jpg"):
            path.write_bytes(path.read_bytes()[:1000])
        assert read_picture_size(path) == (64, 80)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".gif", ".bmp"])
def test_broken_files_are_named(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(InputError, match=f"a{suffix}: cannot be read"):
        read_picture(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="it is an empty file"):
        read_picture(path)
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        read_picture(path)
    path.mkdir()
    with pytest.raises(InputError, match=f"a{suffix}: cannot be read"):
        read_picture(path)


def test_half_of_a_deep_picture_is_no_picture(tmp_path):
    noise = np.random.default_rng(0).integers(0, 65535, (64, 64, 3), dtype=np.uint16)
    for suffix in (".png", ".tif"):
        path = tmp_path / f"a{suffix}"
        cv2.imwrite(str(path), noise)
        path.write_bytes(path.read_bytes()[:9000])
        with pytest.raises(InputError, match="cannot be read"):
            read_picture(path)


@pytest.mark.parametrize(
    "content, said",
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
            "pointer of Git LFS.*lfs pull",
        ),
        (b"\n<!DOCTYPE html><html>", "web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "text that begins with .<svg"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIF.*Convert"),
        (bytes(100), "a file of zeros"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "text that begins with .%!PS"),
        (b"II*\0" + bytes(60), "this kind of it, is not known.*copied whole.*PNG"),
        (b"hello", "text that begins with .hello"),
        (b"\xfa\x01\x02", "cannot be read as a picture"),
    ],
)
def test_files_that_are_something_else_are_called_so(tmp_path, content, said):
    (tmp_path / "a.jpg").write_bytes(content)
    for read in (read_picture, read_picture_size):
        with pytest.raises(InputError, match=said):
            read(tmp_path / "a.jpg")


def test_bombs_are_refused_in_words(tmp_path, monkeypatch, recwarn):
    Image.new("L", (40, 40)).save(tmp_path / "b.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert read_picture(tmp_path / "b.png").shape == (40, 40, 3)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for read in (read_picture, read_picture_size):
        with pytest.raises(InputError, match="too many pixels.*Scale it down"):
            read(tmp_path / "b.png")
    sizes = read_image_sizes(tmp_path, ["b.png"])
    assert "too many pixels" in str(sizes["b.png"])


@pytest.mark.parametrize("wrong", [np.nan, -1.0, 1e6])
def test_floating_point_of_no_known_range_is_refused(tmp_path, wrong):
    pixels = np.full((4, 5), 0.5, np.float32)
    pixels[1, 2] = wrong
    Image.fromarray(pixels).save(tmp_path / "a.tif")
    with pytest.raises(InputError, match=r"a\.tif: cannot be read.*floating point"):
        read_picture(tmp_path / "a.tif")


def test_a_little_beyond_the_range_is_cut_off(tmp_path):
    save_tiff(tmp_path / "a.tif", np.array([[-0.03, 0.5, 1.04]], np.float32), 3)
    assert read_picture(tmp_path / "a.tif")[0, :, 0].tolist() == [0, 128, 255]
