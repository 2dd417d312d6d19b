"""Results one after the other, without a folder that they go to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from choi_d2.pictures import read_picture
from choi_d2.utils import InputError

from .predictor import HOIPredictor
from .results import HOIResult
from .run_items import Item
from .run_options import RunOptions
from .sources import Picture, open_source


def results_of(
    predictor: HOIPredictor,
    items: Iterable[Item],
    options: RunOptions,
    on_error: Callable[[str], None],
) -> Iterator[HOIResult]:
    """The result of each photo and frame, in their order.

    Args:
        predictor: predicts.
        items: photos, videos, cameras.
        options: how.
        on_error: called with what is wrong with an item, which is then left out.
    """
    results = predictor.predict(
        _pictures(items, options.vid_stride, on_error),
        batch_size=options.batch_size,
        score_thresh=options.score_thresh,
        max_triplets=options.max_triplets,
        track=options.track,
        keep_image=False,
    )
    for result in results:
        yield result if options.faces else replace(result, faces=None, face_scores=None)


def _pictures(
    items: Iterable[Item], stride: int, on_error: Callable[[str], None]
) -> Iterator[Picture]:
    for item in items:
        try:
            if item.is_video:
                source = item.source if isinstance(item.source, int) else str(item.source)
                yield from open_source(source, vid_stride=stride)
            else:
                yield Picture(read_picture(item.source), str(item.source), item.name)
        except InputError as error:
            on_error(str(error))
