"""What a model finds in one picture, as one typed object.

Shape shorthand:
    R: instances; T: triplets; F: faces; H, W: the picture's height and width in pixels.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from choi_d2.structures import Vocabulary
from choi_d2.utils import atomic_path

from . import result_files
from .triplets import Triplets

if TYPE_CHECKING:
    import supervision
    from detectron2.structures import Instances

    from choi_d2.visualization.scene import Scene


@dataclass(frozen=True, eq=False)
class HOIResult:
    """Instances and triplets of one picture.

    Boxes are x1 y1 x2 y2 in the picture's own pixels, the frame in which (0, 0) is the upper left
    corner of the upper left pixel. Instances are those of the model, best first by its order;
    triplets are sorted by falling score.

    Attributes:
        boxes: float32 (R, 4).
        classes: int64 (R,), contiguous ids, indices into ``vocabulary.classes``.
        scores: float32 (R,), in [0, 1].
        pairs: int64 (T, 2), rows of human and object among the instances; the same row twice for a
            verb that takes no object.
        verbs: int64 (T,), contiguous ids, indices into ``vocabulary.verbs``.
        triplet_scores: float32 (T,), in [0, 1].
        image_size: (height, width) in pixels.
        vocabulary: the model's classes and verbs.
        masks: bool (R, H, W); None where the model has none.
        faces: float32 (F, 4), the faces that the model looked at; None where nobody looked.
        face_scores: float32 (F,); None where nobody looked.
        track_ids: int64 (R,), the number from 1 that a person or thing keeps over a video's frames,
            -1 for instances without one; None where nobody tracked.
        file_name: where the picture is from; None for an array.
        frame: number of the video's frame, from 0; None outside of videos.
        time: of the frame, in seconds from the beginning.
        image: uint8 (H, W, 3), RGB, for drawing; None in a result that was read from a file.
    """

    boxes: np.ndarray
    classes: np.ndarray
    scores: np.ndarray
    pairs: np.ndarray
    verbs: np.ndarray
    triplet_scores: np.ndarray
    image_size: tuple[int, int]
    vocabulary: Vocabulary
    masks: np.ndarray | None = None
    faces: np.ndarray | None = None
    face_scores: np.ndarray | None = None
    track_ids: np.ndarray | None = None
    file_name: str | None = None
    frame: int | None = None
    time: float | None = None
    image: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self):
        """Check shapes and indices.

        Raises:
            ValueError: arrays do not belong together; the message names the field.
        """
        rows, count = len(self.boxes), len(self.pairs)
        expected = {
            "boxes": (rows, 4),
            "classes": (rows,),
            "scores": (rows,),
            "pairs": (count, 2),
            "verbs": (count,),
            "triplet_scores": (count,),
        }
        if self.masks is not None:
            expected["masks"] = (rows, *self.image_size)
        if self.track_ids is not None:
            expected["track_ids"] = (rows,)
        if self.faces is not None:
            expected["faces"] = (len(self.faces), 4)
        for name, shape in expected.items():
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f"{name}: expected shape {shape}, found {found}")
        for name, limit in (
            ("pairs", rows),
            ("classes", len(self.vocabulary.classes)),
            ("verbs", len(self.vocabulary.verbs)),
        ):
            ids = getattr(self, name)
            if ids.size and (ids.min() < 0 or ids.max() >= limit):
                raise ValueError(f"{name}: expected numbers from 0 to {limit - 1}")

    # ---------------------------------------------------------------------------------- from

    @classmethod
    def from_predictions(
        cls,
        outputs: Mapping[str, Instances],
        vocabulary: Vocabulary,
        *,
        score_thresh: float = 0.0,
        max_triplets: int | None = None,
        **origin: Any,
    ) -> HOIResult:
        """From a model's output for one picture.

        Args:
            outputs: ``instances``, ``interactions`` and perhaps ``faces``, in the picture's pixels.
            vocabulary: the model's.
            score_thresh: the least score of a triplet that is kept.
            max_triplets: at most so many are kept, the best ones; None for all.
            origin: ``file_name``, ``frame``, ``time``, ``image``.
        """
        # Here, because reading results needs no torch.
        from choi_d2.visualization.triplets import top_triplets

        instances, faces = outputs["instances"], outputs.get("faces")
        triplets = top_triplets(outputs["interactions"], score_thresh, max_triplets)
        height, width = instances.image_size
        masks = None
        if instances.has("pred_masks"):
            masks = _numpy(instances.pred_masks, bool).reshape(len(instances), height, width)
        return cls(
            boxes=_numpy(instances.pred_boxes.tensor, np.float32),
            classes=_numpy(instances.pred_classes, np.int64),
            scores=_numpy(instances.scores, np.float32),
            pairs=np.array([(x.human, x.object) for x in triplets], np.int64).reshape(-1, 2),
            verbs=np.array([x.verb for x in triplets], np.int64),
            triplet_scores=np.array([x.score for x in triplets], np.float32),
            image_size=(height, width),
            vocabulary=vocabulary,
            masks=masks,
            faces=None if faces is None else _numpy(faces.boxes.tensor, np.float32),
            face_scores=None if faces is None else _numpy(faces.scores, np.float32),
            **origin,
        )

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> HOIResult:
        """What :meth:`to_dict` gave, without the picture.

        Raises:
            InputError: a key is missing or of another type; the message names it.
        """
        return cls(**result_files.from_dict(content))

    # ------------------------------------------------------------------------------ contents

    @property
    def triplets(self) -> Triplets:
        """The triplets, best first."""
        return Triplets(self)

    @property
    def names(self) -> list[str]:
        """The class name of each instance."""
        return [self.vocabulary.classes[index] for index in self.classes]

    def __len__(self) -> int:
        """T."""
        return len(self.triplet_scores)

    def __str__(self) -> str:
        place = self.file_name or "picture"
        if self.frame is not None:
            place += f", frame {self.frame}"
        words = "; ".join(map(str, self.triplets)) or "no triplet"
        return f"{place}: {words}"

    # ------------------------------------------------------------------------------------ to

    def draw(
        self, *, masks: bool = False, faces: bool = False, all_instances: bool = False
    ) -> np.ndarray:
        """The picture with its triplets.

        Args:
            masks: masks in place of boxes, where there are masks.
            faces: an ellipse in each face.
            all_instances: also outline the instances that are in no triplet.

        Returns:
            uint8 (H', W', 3), RGB; small pictures are enlarged so that the words can be read.

        Raises:
            ValueError: the result has no picture: it was read from a file.
        """
        if self.image is None:
            raise ValueError(
                "there is no picture to draw on; dataclasses.replace(result, image=...) gives one"
            )
        from choi_d2.visualization import TripletVisualizer

        visualizer = TripletVisualizer(self.image, self.vocabulary)
        shown = range(len(self.boxes)) if all_instances else ()
        visualizer.draw_scene(self._scene(), masks=masks, faces=faces, shown=shown)
        return visualizer.get_image()

    def save(self, path: str | os.PathLike, **kwargs: bool) -> None:
        """Write the drawing, whole or not at all.

        Args:
            path: its ending says the format.
            kwargs: as :meth:`draw`.
        """
        from choi_d2.visualization import save_picture

        save_picture(path, self.draw(**kwargs))

    def to_dict(self, *, masks: bool = False) -> dict[str, Any]:
        """Lists, strings and numbers alone.

        Returns:
            ``file_name``, ``frame``, ``time``, ``height``, ``width``; ``instances``: dicts with
            ``box`` (x1 y1 x2 y2, pixels), ``category``, ``score``, where somebody tracked
            ``track`` (None for an instance without number) and, where there are any, (``masks``)
            ``segmentation`` (COCO's compressed run lengths);
            ``triplets``: dicts with ``human`` and ``object`` (numbers of instances; ``object`` is
            None for a verb without object), ``verb``, ``score``; ``faces`` where somebody looked;
            ``vocabulary``.
        """
        return result_files.to_dict(self, masks=masks)

    def to_json(self, path: str | os.PathLike | None = None, *, masks: bool = False) -> str:
        """:meth:`to_dict` as one line of JSON; also written to ``path``, whole or not at all."""
        text = json.dumps(self.to_dict(masks=masks), allow_nan=False, ensure_ascii=False)
        if path is not None:
            with atomic_path(path) as temporary:
                temporary.write_text(text + "\n", encoding="utf-8")
        return text

    def to_csv(self, path: str | os.PathLike | None = None) -> str:
        """One line for each triplet, under a line of names; also written to ``path``.

        Columns: file_name, frame, time, verb, object, score, human_index, object_index, human_x1
        ... human_y2, object_x1 ... object_y2, human_track, object_track. ``object``, its box and
        number are empty for a verb without object.
        """
        text = result_files.to_csv([self])
        if path is not None:
            with atomic_path(path) as temporary:
                temporary.write_text(text, encoding="utf-8", newline="")
        return text

    def to_supervision(self) -> supervision.Detections:
        """The instances as ``supervision.Detections``; the triplets are in its ``metadata``.

        Raises:
            ImportError: the package supervision is not installed.
        """
        import supervision

        return supervision.Detections(
            xyxy=self.boxes,
            confidence=self.scores,
            class_id=self.classes.astype(int),
            mask=self.masks,
            tracker_id=self.track_ids,
            data={"class_name": np.array(self.names, dtype=str)},
            metadata={"triplets": self.to_dict()["triplets"]},
        )

    def _scene(self) -> Scene:
        from choi_d2.visualization import Triplet
        from choi_d2.visualization.masks import no_masks
        from choi_d2.visualization.scene import Scene

        rows = zip(
            self.pairs.tolist(), self.verbs.tolist(), self.triplet_scores.tolist(), strict=True
        )
        return Scene(
            boxes=self.boxes.astype(np.float64),
            classes=self.classes,
            triplets=[Triplet(*pair, verb, score) for pair, verb, score in rows],
            mask_of=no_masks if self.masks is None else self.masks.__getitem__,
            faces=np.zeros((0, 4)) if self.faces is None else self.faces.astype(np.float64),
            track_ids=self.track_ids,
        )


def _numpy(tensor: Any, dtype: type) -> np.ndarray:
    return tensor.detach().cpu().numpy().astype(dtype)
