"""A model's predictions in the ids of a data set, joined by the names of classes and verbs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from detectron2.data import DatasetCatalog
from detectron2.evaluation import DatasetEvaluator
from detectron2.structures import Instances

from choi_d2.structures import Vocabulary, dataset_vocabulary
from choi_d2.structures.joining import (
    describe_difference,
    missing,
    near_matches,
    places,
    repeated,
    rule_differences,
)
from choi_d2.utils import InputError
from choi_d2.utils.said import say

logger = logging.getLogger(__name__)


class EvaluatorByName(DatasetEvaluator):
    """An evaluator that gets the predictions of a model with a vocabulary of its own.

    What the data set has no name for is left out of the predictions: nothing there could match it.

    Args:
        build: makes the evaluator, once the data set has been read.
        dataset_name: a registered data set.
        vocabulary: the model's; None takes its ids for the data set's.
    """

    def __init__(
        self,
        build: Callable[[], DatasetEvaluator],
        dataset_name: str,
        vocabulary: Vocabulary | None,
    ):
        self._build, self._name, self._vocabulary = build, dataset_name, vocabulary
        self._evaluator: DatasetEvaluator | None = None
        self._join: Join | None = None

    def reset(self) -> None:
        """Join the names, and begin anew.

        Raises:
            InputError: the names cannot be joined, see :func:`join_for_evaluation`.
        """
        if self._vocabulary is not None:
            self._join = join_for_evaluation(self._vocabulary, self._name)
        if self._evaluator is None:
            self._evaluator = self._build()
        self._evaluator.reset()

    def process(self, inputs: Sequence[Mapping], outputs: Sequence[Mapping]) -> None:
        """Hand a batch on, in the data set's ids."""
        if self._join is not None:
            outputs = [rename_output(output, self._join) for output in outputs]
        self._evaluator.process(inputs, outputs)

    def evaluate(self):
        """What the evaluator gives."""
        return self._evaluator.evaluate()


@dataclass(frozen=True)
class Join:
    """Where a model's names are in a data set.

    Attributes:
        class_of: for each class of the model the data set's, or -1.
        verb_from: for each verb of the data set the model's, or -1.
    """

    class_of: tuple[int, ...]
    verb_from: tuple[int, ...]


def join_for_evaluation(model: Vocabulary, dataset_name: str) -> Join | None:
    """Join a model with a data set to be evaluated on.

    A name that the data set has and the model has not is fine where no annotation needs it; one
    that is annotated is refused, because its score would be zero for the name alone. A name that
    the model alone has is fine: its predictions are left out. Either is said.

    Args:
        model: its vocabulary.
        dataset_name: a registered data set, whose file has been read if that tells its names.

    Returns:
        None where nothing has to be changed, or the data set does not say its names.

    Raises:
        InputError: they cannot be joined; the message has both lists.
    """
    data = dataset_vocabulary(dataset_name)
    if data is None:
        message = "%r does not say its classes and verbs: the model's ids are assumed to be its own"
        say(logger, logging.WARNING, message, dataset_name)
        return None
    of_data = f"of data set {dataset_name!r}"
    texts = rule_differences(model, "of the model", data, of_data)
    if twice := repeated(data):
        texts.append(f"two classes or verbs {of_data} have the name {', '.join(twice)}")
    for kind, needed in _needed(model, data, dataset_name).items():
        if needed:
            mine, theirs = getattr(model, kind), getattr(data, kind)
            text = describe_difference(kind, mine, "of the model", theirs, of_data)
            texts.append(f"{text}. Annotated and unknown to the model: {', '.join(needed)}")
    if texts:
        raise InputError(
            f"the model cannot be evaluated on {dataset_name!r}: {'. '.join(texts)}",
            field="DATASETS.TEST",
            hint="Give the same things the same names, or leave out of the data set what the model "
            "cannot know.",
        )
    for kind in ("classes", "verbs"):
        _tell(kind, getattr(model, kind), getattr(data, kind), dataset_name)
    if model.verbs and data.humans_as_objects and not model.humans_as_objects:
        message = "%r: humans can be objects there, and the model pairs no human with another one"
        say(logger, logging.WARNING, message, dataset_name)
    if model.classes == data.classes and model.verbs == data.verbs:
        return None
    return Join(tuple(places(model.classes, data.classes)), tuple(places(data.verbs, model.verbs)))


def _needed(model: Vocabulary, data: Vocabulary, dataset_name: str) -> dict[str, list[str]]:
    """The names that annotations of the data set have, and the model has not."""
    unknown = {
        "classes": missing(data.classes, model.classes),
        # A first phase has no verbs to be evaluated.
        "verbs": missing(data.verbs, model.verbs) if model.verbs else [],
    }
    if not any(unknown.values()):
        return unknown
    classes, verbs = set(), set()
    for record in DatasetCatalog.get(dataset_name):
        classes.update(each["category_id"] for each in record.get("annotations", ()))
        for pair in record.get("interactions", ()):
            verbs.update(pair["verbs"])
    return {
        "classes": [x for x in unknown["classes"] if data.classes.index(x) in classes],
        "verbs": [x for x in unknown["verbs"] if data.verbs.index(x) in verbs],
    }


def _tell(kind: str, mine: Sequence[str], theirs: Sequence[str], dataset_name: str) -> None:
    only_mine, only_theirs = missing(mine, theirs), missing(theirs, mine)
    for names, whose, then in (
        (only_mine, "the model knows and the data set has not", "their predictions are left out"),
        (only_theirs, "the data set names, never annotates, and the model knows not", "no matter"),
    ):
        if names:
            near = near_matches(names, theirs if names is only_mine else mine)
            doubt = "; ".join(f"is {a!r} meant to be {b!r}?" for a, b in near)
            doubt = f" ({doubt})" if doubt else ""
            text = "%r: %d %s that %s: %s%s; %s"
            args = (dataset_name, len(names), kind, whose, ", ".join(names), doubt, then)
            say(logger, logging.WARNING, text, *args)
    if not only_mine and not only_theirs and tuple(mine) != tuple(theirs):
        text = "%r has the model's %s in another order: joined by name"
        say(logger, logging.INFO, text, dataset_name, kind)


def rename_output(output: Mapping[str, Instances], join: Join) -> dict[str, Instances]:
    """What a model returned for an image, in the ids of a data set.

    Args:
        output: ``instances`` and ``interactions``; they are not changed.
        join: where the names are.

    Returns:
        the same without the detections, pairs and verbs that the data set has no name for; verbs
        that the model does not know have scores of zero, which is no prediction.
    """
    instances, interactions = output["instances"], output["interactions"]
    class_of = torch.tensor(join.class_of, device=instances.pred_classes.device)
    classes = class_of[instances.pred_classes]
    keep = classes >= 0
    new_index = keep.long().cumsum(0) - 1
    instances = _with(instances[keep], pred_classes=classes[keep])

    pairs = interactions.pair_indices
    alive = keep[pairs].all(dim=1).reshape(-1)
    interactions = interactions[alive]
    verb_from = torch.tensor(join.verb_from, device=pairs.device)
    changed = {"pair_indices": new_index[pairs[alive]].reshape(-1, 2)}
    for key in ("human_classes", "object_classes"):
        if interactions.has(key):
            changed[key] = class_of[interactions.get(key)]
    for key in ("verb_scores", "triplet_scores"):
        if interactions.has(key):
            scores = interactions.get(key)
            # One column more, of zeros: there point the verbs that the model does not know.
            changed[key] = torch.nn.functional.pad(scores, (0, 1))[:, verb_from]
    return {**output, "instances": instances, "interactions": _with(interactions, **changed)}


def _with(instances: Instances, **fields) -> Instances:
    return Instances(instances.image_size, **{**instances.get_fields(), **fields})
