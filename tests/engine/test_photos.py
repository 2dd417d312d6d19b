import cv2
import numpy as np
import pytest
from PIL import Image

from choi_d2.engine.photos import as_bgr, find_photos, read_photo
from choi_d2.utils import InputError


@pytest.fixture
def folder(tmp_path):
    for name in ("b.JPG", "a.png", "notes.txt", ".hidden.png", "sub/c.webp", ".git/d.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "photos"


def names(photos):
    return [str(photo.name) for photo in photos]


def test_folders_are_searched_in_order(folder):
    assert names(find_photos([folder])) == ["a.png", "b.JPG", "sub/c.webp"]


def test_files_and_patterns(folder):
    assert names(find_photos([folder / "notes.txt"])) == ["notes.txt"]
    assert names(find_photos([f"{folder}/*.png"])) == ["a.png"]
    assert names(find_photos([f"{folder}/**/*.webp"])) == ["c.webp"]
    (folder / "[1].png").touch()
    assert names(find_photos([folder / "[1].png"])) == ["[1].png"]


def test_a_photo_that_is_named_twice_comes_once(folder):
    photos = find_photos([folder / "a.png", folder, folder / "sub" / ".." / "a.png"])
    assert names(photos) == ["a.png", "b.JPG", "sub/c.webp"]


def test_results_inside_of_the_folder_are_no_photos(folder):
    assert names(find_photos([folder], outside=folder / "sub")) == ["a.png", "b.JPG"]
    assert len(find_photos([folder], outside=folder)) == 3


@pytest.mark.parametrize("given", ["nowhere.jpg", "nowhere/*.jpg"])
def test_what_does_not_exist_is_an_error(tmp_path, given):
    with pytest.raises(InputError, match="nowhere"):
        find_photos([tmp_path / given])


def test_a_folder_without_photos_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no photo in.*\\.jpg"):
        find_photos([tmp_path])


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P", "1", "CMYK", "I;16"])
def test_every_kind_of_picture_is_read_as_bgr(tmp_path, mode):
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    if mode == "I;16":
        Image.fromarray(np.full((6, 9), 255 * 257, np.uint16)).save(path)
    else:
        Image.new("RGB", (9, 6), "white").convert(mode).save(path)
    photo = read_photo(path)
    assert photo.shape == (6, 9, 3) and photo.dtype == np.uint8
    assert (photo == 255).all()


def test_channels_are_blue_green_red(tmp_path):
    Image.new("RGB", (2, 2), (10, 20, 30)).save(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png")[0, 0].tolist() == [30, 20, 10]


def test_sixteen_bits_are_scaled_not_cut_off(tmp_path):
    Image.fromarray(np.array([[0, 257 * 100, 65535]], np.uint16)).save(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png")[0, :, 0].tolist() == [0, 100, 255]


def test_photos_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (20, 10)).save(tmp_path / "a.jpg", exif=exif)
    assert read_photo(tmp_path / "a.jpg").shape == (20, 10, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_broken_files_are_named(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(InputError, match=f"a{suffix}: cannot be read"):
        read_photo(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="cannot be read"):
        read_photo(path)
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        read_photo(path)


def test_floating_point_pictures_and_bombs_are_refused(tmp_path, monkeypatch):
    Image.new("F", (4, 4)).save(tmp_path / "a.tif")
    with pytest.raises(InputError, match="floating point"):
        read_photo(tmp_path / "a.tif")
    Image.new("L", (40, 40)).save(tmp_path / "b.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match="too many pixels"):
        read_photo(tmp_path / "b.png")


def test_arrays_as_opencv_gives_them(tmp_path):
    path = str(tmp_path / "a.png")
    bgra = np.dstack([np.full((4, 5), value, np.uint8) for value in (1, 2, 3, 200)])
    cv2.imwrite(path, bgra)
    assert as_bgr(cv2.imread(path, cv2.IMREAD_UNCHANGED))[0, 0].tolist() == [1, 2, 3]
    assert as_bgr(np.full((4, 5), 7, np.uint8))[0, 0].tolist() == [7, 7, 7]
    assert as_bgr(np.full((4, 5, 1), 257 * 9, np.uint16))[0, 0].tolist() == [9, 9, 9]
    strided = np.zeros((4, 5, 3), np.uint8)[:, ::-1, ::-1]
    assert as_bgr(strided).flags.c_contiguous


@pytest.mark.parametrize(
    "wrong, found",
    [
        (None, "NoneType"),
        (np.zeros((4, 5, 3), np.float32), "float32"),
        (np.zeros((4, 5, 2), np.uint8), "shape"),
        (np.zeros((0, 5, 3), np.uint8), "no pixels"),
        (np.zeros(4, np.uint8), "shape"),
    ],
)
def test_what_is_no_picture_is_refused(wrong, found):
    with pytest.raises(InputError, match=f"image 'x.png'.*{found}"):
        as_bgr(wrong, "x.png")
