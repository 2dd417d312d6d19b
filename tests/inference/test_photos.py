import pytest

from choi_d2.inference.photos import find_photos
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
