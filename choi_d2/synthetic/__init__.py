"""A human-object interaction data set that needs no download: seeded scenes drawn with OpenCV.

Scenes hold articulated people with a face and a gaze, HOIW's ten object categories, and HOIW's ten
verbs, which pose, contact, face and gaze decide, never the object's class alone.

The same scenes can be had in the formats of HOIW, PIC (:mod:`.pic_writer` says how HOIW's lists
become PIC's, and :mod:`.relations` where the geometric relations come from), V-COCO
(:mod:`.vcoco_writer`), HICO-DET (:mod:`.hicodet_writer`), and of a data set of your own
(:mod:`.hoi_writer`). On disk, under ``root`` (usually
``$DETECTRON2_DATASETS/synthetic_{format}``)::

    manifest.json               parameters, numbers, checksum; written last: without it, no data set
    {split}_faces.json          {"detector": "synthetic", "faces": {file_name:
                                [{"bbox": [x1, y1, x2, y2], "score"}, ...]}}: every visible face;
                                images without one have []
    {split}_faces_noisy.json    the same as a real detector would have it: some faces missed, boxes
                                shaken, a few false ones

hoiw::

    images/{train,val,test}/    {split}_{index:06d}.jpg; what the JSON files call file_name
    {train,val,test}.json       ground truth in the released HOIW format: category ids are strings
                                ("1" person .. "11" document), verb ids integers (1..10), one
                                hoi_annotation per verb, subject_id and object_id count from 0
    {split}_masks.json          [{"file_name", "height", "width", "segmentations": [RLE, ...]},
                                ...]: a COCO run-length code per annotation of that image, in order
    {split}_sparse.json         the same images annotated as HOIW is: only the people and things
                                that take part in an interaction; with {split}_sparse_masks.json

pic::

    image/{split}/              {split}_{index:06d}.jpg
    semantic/{split}/           {split}_{index:06d}.png, a category id of PIC v2 per pixel
    instance/{split}/           {split}_{index:06d}.png, an instance id per pixel
    relations_{split}.json      relations between instance ids, relation ids of PIC v2

vcoco::

    images/{split}/             {split}_{index:06d}.jpg
    annotations/vcoco_{split}.json                  the 26 actions, role-major
    annotations/instances_vcoco_all_2014.json       COCO's instances of all splits, with masks
    splits/vcoco_{split}.ids                        image ids, one a line

hicodet::

    images/{split}/             {split}_{index:06d}.jpg
    annotations/{split}.json    the "HOIA" JSON: 0-based pixels, COCO's object ids, verb and HOI ids
    annotations/labels_{split}.json                 image-level labels: HOI ids by image

hoi::

    images/{split}/             {split}_{index:06d}.jpg
    {split}.json                as :mod:`choi_d2.data.datasets.hoi_json` says, with masks and faces

Boxes are [x1, y1, x2, y2] (COCO's: [x, y, width, height]), absolute, x2 and y2 exclusive, tight
around the visible pixels. Same seed and parameters, same bytes; image i of a split depends neither
on the split's size nor on the number of workers.
"""

from .scene import PersonInfo, Scene, SceneStyle
from .scenes import draw_scene
from .writer import make_dataset, scene_at

__all__ = ["PersonInfo", "Scene", "SceneStyle", "draw_scene", "make_dataset", "scene_at"]
