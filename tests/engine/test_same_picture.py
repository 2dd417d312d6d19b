"""One picture file is the same array in training, in evaluation and in prediction."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from choi_d2.data import HOIDatasetMapper
from choi_d2.data.image_sizes import read_image_sizes
from choi_d2.inference import HOIPredictor
from choi_d2.pictures import read_picture
from choi_d2.pictures.formats import FORMATS

sys.path.append(str(Path(__file__).parents[1] / "pictures"))
from drawn_pictures import color_kinds, gray_kinds, save_turned  # noqa: E402


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file of each kind."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "gray").mkdir()
    turned = {
        f"turned {where}": save_turned(folder / f"turned_{number}{suffix}", where, 6)
        for number, (where, suffix) in enumerate(
            {"jpeg": ".jpg", "png late": ".png", "webp xmp": ".webp", "tiff": ".tif"}.items()
        )
    }
    return {**color_kinds(folder), **gray_kinds(folder / "gray"), **turned}


class FacesSeen:
    """A face detector that keeps what it is shown."""

    name = description = "fake"

    def __call__(self, image_bgr, *, file_name=None):
        from choi_d2.data.faces import Faces

        self.image = image_bgr
        return Faces.empty()


@pytest.mark.parametrize("format", FORMATS)
def test_training_evaluation_and_prediction_see_the_same(stub_cfg, files, format):
    stub_cfg.INPUT.FORMAT = format
    stub_cfg.INPUT.MIN_SIZE_TRAIN = (stub_cfg.INPUT.MIN_SIZE_TEST,)
    stub_cfg.INPUT.MAX_SIZE_TRAIN = stub_cfg.INPUT.MAX_SIZE_TEST
    stub_cfg.INPUT.RANDOM_FLIP = "none"
    faces = FacesSeen()
    mappers = HOIDatasetMapper(stub_cfg, True), HOIDatasetMapper(stub_cfg, False)
    predictor = HOIPredictor(stub_cfg, faces)
    for name, path in files.items():
        height, width = read_image_sizes(path.parent, [path.name])[path.name]
        record = {"file_name": str(path), "image_id": 1, "height": height, "width": width}
        images = [mapper(record)["image"] for mapper in mappers]
        predictor.outputs(read_picture(path))
        images.append(predictor.model.seen[-1]["image"])
        assert all(torch.equal(image, images[0]) for image in images), name
        assert images[0].shape[0] == (1 if format == "L" else 3), name
        assert images[0].dtype == (torch.float32 if "YUV" in format else torch.uint8), name
        np.testing.assert_array_equal(faces.image, read_picture(path), err_msg=name)
