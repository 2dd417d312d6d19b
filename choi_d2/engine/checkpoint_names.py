"""The words of a checkpoint and of the model that it is loaded into."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from choi_d2.structures import Vocabulary
from choi_d2.structures.joining import describe_difference, rule_differences
from choi_d2.utils import InputError

from .model_card import ModelCard

logger = logging.getLogger(__name__)

NEW_NAMES = ("refuse", "initialise")
"""Values of ``MODEL.NEW_NAMES``."""

_VERBS = "roi_heads.interaction_heads."


def joined_names(
    model: Vocabulary | None,
    card: ModelCard | None,
    checkpoint: Mapping[str, Any],
    model_state: Mapping[str, Any],
    *,
    path: str,
    resuming: bool,
    new_names: str,
) -> dict[str, Sequence[str] | None]:
    """Can a checkpoint be loaded into a model of these words, and by which names?

    Args:
        model: the model's words, if they are known.
        card: the checkpoint's, if it has one.
        checkpoint: the whole file.
        model_state: the model's tensors by name.
        path: the file, for messages.
        resuming: does its training go on? Then nothing may differ.
        new_names: one of :data:`NEW_NAMES`.

    Returns:
        ``file_classes``, ``model_classes``, ``file_verbs``, ``model_verbs`` of
        :func:`choi_d2.engine.weights.fit_weights`.

    Raises:
        InputError: the words differ, and that was not asked for.
    """
    if model is None:
        return {}
    names = {"model_classes": model.classes, "model_verbs": model.verbs or None}
    theirs = card.vocabulary if card is not None else None
    if theirs is None:
        _tell_assumed(checkpoint, path)
        return {**names, "file_classes": checkpoint.get("thing_classes"), "file_verbs": None}
    # A first phase has no tensor that knows verbs.
    with_verbs = all(
        any(k.startswith(_VERBS) for k in x) for x in (checkpoint["model"], model_state)
    )
    kinds = ("classes", "verbs") if with_verbs else ("classes",)
    if resuming:
        _check_same(model, theirs, kinds, path)
    elif new_names == "refuse":
        _check_joinable(model, theirs, kinds, path)
    for kind in kinds:
        ours, other = getattr(model, kind), getattr(theirs, kind)
        if ours != other and set(ours) == set(other):
            logger.info("%s has the %s in another order: loaded by name", path, kind)
    for text in (
        rule_differences(model, "of this model", theirs, f"of {path}") if with_verbs else ()
    ):
        logger.warning("Another meaning: %s", text)
    return {**names, "file_classes": theirs.classes, "file_verbs": theirs.verbs or None}


def _knows_verbs(state: Mapping[str, Any]) -> bool:
    return any(name.startswith(_VERBS) for name in state)


def _tell_assumed(checkpoint: Mapping[str, Any], path: str) -> None:
    """A C-HOI model of before names were saved; other weights have classes of their own."""
    if _knows_verbs(checkpoint["model"]):
        what = "verbs" if checkpoint.get("thing_classes") else "classes and verbs"
        logger.warning(
            "%s does not say its %s: they are assumed to be this model's, in the same order",
            path,
            what,
        )


def _check_same(model: Vocabulary, theirs: Vocabulary, kinds: Sequence[str], path: str) -> None:
    for kind in kinds:
        ours, other = getattr(model, kind), getattr(theirs, kind)
        if ours != other:
            text = describe_difference(kind, other, "of the checkpoint", ours, "of DATASETS.TRAIN")
            raise InputError(
                f"this checkpoint is of another model: {text}",
                path=path,
                hint="Resume with the data of that training, as they were; to start from its "
                "weights, set MODEL.WEIGHTS to it, in another OUTPUT_DIR.",
            )


def _check_joinable(model: Vocabulary, theirs: Vocabulary, kinds: Sequence[str], path: str) -> None:
    texts = [
        describe_difference(kind, other, "of the checkpoint", ours, "of DATASETS.TRAIN")
        for kind in kinds
        if set(ours := getattr(model, kind)) != set(other := getattr(theirs, kind))
    ]
    if texts:
        raise InputError(
            f"these weights are of a model with other words: {'. '.join(texts)}",
            path=path,
            field="MODEL.WEIGHTS",
            hint="Set MODEL.NEW_NAMES to 'initialise' to take what both know by name and to begin "
            "anew with the rest.",
        )
