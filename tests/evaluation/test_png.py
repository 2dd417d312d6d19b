import cv2
import numpy as np
import pytest
from PIL import Image

from choi_d2.evaluation.png import read_label_map, write_label_map
from choi_d2.utils import InputError

IDS = np.random.default_rng(0).integers(0, 256, (30, 40), dtype=np.uint8)


def test_what_is_written_is_read(tmp_path):
    write_label_map(tmp_path / "deep" / "a.png", IDS)
    assert (read_label_map(tmp_path / "deep" / "a.png", "a") == IDS).all()


def palette_png(path):
    image = Image.fromarray(IDS)
    image.putpalette(list(range(256)) * 3)
    image.save(path)


def gray_with_alpha_png(path):
    Image.fromarray(IDS).convert("LA").save(path)


def one_bit_png(path):
    Image.fromarray(IDS > 100).save(path)


WRITERS = {
    "16-bit gray": lambda path: cv2.imwrite(str(path), IDS.astype(np.uint16)),
    "8-bit RGB": lambda path: cv2.imwrite(str(path), np.stack([IDS] * 3, axis=2)),
    "1-bit gray": one_bit_png,
    "8-bit gray with alpha": gray_with_alpha_png,
    "8-bit palette": palette_png,
}


@pytest.mark.parametrize(("kind", "write"), WRITERS.items(), ids=WRITERS)
def test_other_pngs_hold_other_ids(tmp_path, kind, write):
    path = tmp_path / "a.png"
    write(path)
    with pytest.raises(InputError, match=f"found {kind}") as raised:
        read_label_map(path, "a")
    assert str(path) in str(raised.value)


def broken(data: bytes) -> dict[str, tuple[bytes, str]]:
    middle = len(data) // 2
    corrupt = data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]
    return {
        "empty": (b"", "expected a PNG"),
        "text": (b"no picture at all, but long enough for a header", "expected a PNG"),
        "header only": (data[:33], "cut short or broken"),
        "half": (data[:middle], "cut short or broken"),
        "corrupt": (corrupt, "cut short or broken"),
    }


@pytest.mark.parametrize("kind", broken(b"0123"))
def test_broken_files(tmp_path, kind):
    data = cv2.imencode(".png", IDS)[1].tobytes()
    content, message = broken(data)[kind]
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_label_map(tmp_path / "a.png", "a")


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_label_map(tmp_path / "a.png", "a")
