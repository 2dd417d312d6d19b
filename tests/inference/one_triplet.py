"""What a model that finds one triplet in every picture gives."""

import numpy as np

from choi_d2.inference import HOIResult
from choi_d2.structures import Vocabulary

WORDS = Vocabulary(("person", "bike"), ("ride",), 0)


def one_triplet(picture, keep_image):
    height, width = picture.image.shape[:2]
    return HOIResult(
        boxes=np.array([[1, 1, width - 1, height - 1], [2, 2, 9, 9]], np.float32),
        classes=np.array([0, 1]),
        scores=np.array([0.9, 0.8], np.float32),
        pairs=np.array([[0, 1]]),
        verbs=np.array([0]),
        triplet_scores=np.array([0.7], np.float32),
        image_size=(height, width),
        vocabulary=WORDS,
        file_name=picture.file_name,
        frame=picture.frame,
        time=picture.time,
        image=np.ascontiguousarray(picture.image[:, :, ::-1]) if keep_image else None,
    )
