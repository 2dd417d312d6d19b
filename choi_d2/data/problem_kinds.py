"""Kinds of problems of data sets, each with what is wrong, or what is done about it."""

from __future__ import annotations

# Broken files: nobody can say what was meant, so loading ends.
FATAL_KINDS = {
    "unreadable file": "the file is missing, empty, binary, cut short, or not what it should be",
    "missing key": "a required key is not there",
    "wrong type": "a value has another type than it should have",
    "bad box": "a box is not four finite numbers",
    "bad file name": "a file name is empty, or holds characters that no file name has",
    "bad number": "an id or a size is not a whole number, a score not a finite one",
    "duplicate image": "two entries carry the same image",
    "duplicate id": "two entries carry the same id",
    "empty data set": "there is no image in the file",
    "no image found": "not one image of the file is there",
    "size mismatch": "two files of one image differ in size",
    "bad map": "a label map is not an 8-bit PNG with a single channel",
    "wrong label ids": "the label ids are not those of the data set's version",
    "unlike lists": "lists that belong together differ in length or content",
    "self relation": "an instance is related to itself",
    "bad flag": "a value is neither yes nor no",
    "duplicate name": "two entries that are both in use carry the same name",
}

# Blemishes of real data sets: what the loaders do about each.
TOLERATED_KINDS = {
    "missing image": "the image is left out",
    "broken image": "the image is left out",
    "missing map": "the image is left out",
    "image of another size": "the image is left out",
    "no annotation": "the image is kept; cfg.DATALOADER.FILTER_EMPTY_ANNOTATIONS decides",
    "unknown category": "the instance is left out",
    "box without area": "the instance is left out",
    "box partly outside": "the box is clipped to the image",
    "other pixel base": "the boxes are read as the file's form says",
    "bad mask": "the mask is left out; with MODEL.MASK_ON, the instance does not train",
    "bad polygon": "the polygon is left out",
    "masks of some": "with MODEL.MASK_ON, those without do not train",
    "masks of two kinds": "with MODEL.MASK_ON, INPUT.MASK_FORMAT has to be 'bitmask'",
    "crowd": "it is no instance: it does not train",
    "pair of a crowd": "the pair does not train",
    "name not in use": "the entry that is in use is taken",
    "no instance": "there is nothing to learn or to score",
    "no triplet": "there is no interaction to learn or to score",
    "unclear class": "the highest label under the mask is taken, as the official evaluation does",
    "unknown verb": "the verb is left out",
    "unlike interaction class": "the interaction class decides, as in the official evaluation",
    "invisible pair": "the pair is left out: it has no boxes",
    "dangling id": "the pair is left out",
    "pair of a left-out instance": "the pair is left out",
    "subject is no human": "the pair is left out",
    "object is a human": "the pair is left out",
    "repeated triplet": "it is taken once",
    "verb and object do not fit": "the verb is left out",
    "unknown image": "the entry is left out",
    "face without area": "the face is left out",
}
