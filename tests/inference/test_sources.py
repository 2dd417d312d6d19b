"""Sources: what each gives, and that it lets go of what it holds."""

import cv2
import numpy as np
import pytest
from PIL import Image

from choi_d2.inference import open_source, sources
from choi_d2.utils import InputError


def picture(value=50, size=(24, 32)):
    return np.full((*size, 3), value, np.uint8)


@pytest.fixture
def folder(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), picture(10))
    (tmp_path / "sub").mkdir()
    cv2.imwrite(str(tmp_path / "sub" / "b.png"), picture(20))
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (32, 24))
    for value in range(0, 250, 25):
        writer.write(picture(value))
    writer.release()
    return path


def test_a_photo_and_a_folder(folder):
    (one,) = open_source(folder / "a.png")
    assert one.image.shape == (24, 32, 3) and one.image[0, 0, 0] == 10
    assert one.file_name == str(folder / "a.png") and one.name == "a"
    assert one.frame is None and one.time is None
    assert [x.name for x in open_source(folder)] == ["a", "sub/b"]
    assert [x.name for x in open_source(f"{folder}/*.png")] == ["a"]


def test_broken_photos_are_raised_or_told(folder):
    (folder / "broken.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(InputError, match="broken.png"):
        list(open_source(folder))
    errors = []
    assert [x.name for x in open_source(folder, on_error=errors.append)] == ["a", "sub/b"]
    assert len(errors) == 1 and "broken.png" in str(errors[0])


def test_arrays():
    (one,) = open_source(picture(7))
    assert one.file_name is None and one.name == "array_0" and one.image[0, 0, 0] == 7
    (grey,) = open_source(np.full((8, 9), 3, np.uint8))
    assert grey.image.shape == (8, 9, 3)
    batch = np.stack([picture(1), picture(2)])
    assert [x.image[0, 0, 0] for x in open_source(batch)] == [1, 2]
    with pytest.raises(InputError):
        list(open_source(np.zeros((3, 4, 7), np.uint8)))


def test_pil_images_are_rgb():
    (one,) = open_source(Image.new("RGB", (5, 4), (200, 100, 0)))
    assert one.image[0, 0].tolist() == [0, 100, 200]
    (one,) = open_source(Image.new("L", (5, 4), 9))
    assert one.image.shape == (4, 5, 3)


def test_several_of_all_kinds(folder, video):
    mixed = [folder / "a.png", picture(1), Image.new("RGB", (5, 4)), video, folder / "sub"]
    names = [x.name for x in open_source(mixed, vid_stride=5)]
    assert names == ["a", "array_0", "array_1", "film_000000", "film_000005", "b"]


def test_iterables_are_not_read_ahead(folder):
    def endless():
        while True:
            yield folder / "a.png"

    pictures = open_source(endless())
    assert [next(pictures).name for _ in range(3)] == ["a"] * 3
    pictures.close()


@pytest.mark.parametrize("stride, frames", [(1, range(10)), (3, (0, 3, 6, 9)), (20, (0,))])
def test_frames_of_a_video(video, stride, frames):
    pictures = list(open_source(video, vid_stride=stride))
    assert [x.frame for x in pictures] == list(frames)
    assert [x.time for x in pictures] == pytest.approx([x / 10 for x in frames])
    for each in pictures:
        assert abs(int(each.image[0, 0, 0]) - 25 * each.frame) < 8


class Capture:
    """A camera that shows three frames."""

    def __init__(self, address):
        self.address, self.left, self.released = address, 3, False
        Capture.last = self

    def isOpened(self):
        return self.address == 0

    def get(self, what):
        return 0.0

    def read(self):
        self.left -= 1
        return (True, picture()) if self.left >= 0 else (False, None)

    def grab(self):
        return self.read()[0]

    def release(self):
        self.released = True


def test_camera_is_let_go(monkeypatch):
    monkeypatch.setattr(sources.cv2, "VideoCapture", Capture)
    pictures = open_source(0)
    assert next(pictures).name == "camera_0_000000"
    pictures.close()
    assert Capture.last.released
    assert [x.frame for x in open_source(0)] == [0, 1, 2]
    with pytest.raises(InputError, match="camera 7 cannot be opened"):
        list(open_source(7))
    assert Capture.last.released


def test_videos_that_are_none(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(InputError, match="text.mp4.*cannot be opened"):
        list(open_source(tmp_path / "text.mp4"))
    with pytest.raises(InputError, match="no such file"):
        list(open_source(tmp_path / "none.mp4"))


@pytest.mark.parametrize("source", [None, True, 1.5, object()])
def test_what_is_no_source(source):
    with pytest.raises(InputError, match="expected"):
        list(open_source(source))


def test_stride(video):
    with pytest.raises(InputError, match="at least 1, found 0"):
        open_source(video, vid_stride=0)
