"""Parameters and operations of a C-HOI model, by the paper's parts."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch
from detectron2.config import CfgNode
from detectron2.modeling import build_model
from detectron2.structures import Boxes, ImageList, Instances
from tabulate import tabulate
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

# Which part a module or a parameter belongs to; the first that matches counts. Stages are counted
# from 0 in names, from 1 in the paper.
_PARTS = (
    (r"backbone\b.*", "backbone"),
    (r"proposal_generator\b.*", "RPN"),
    # Matrix products on a CPU, and not counted, as torchvision's operator is not.
    (r"roi_heads\.(?:\w+\.\d+\.)?\w*pooler\b.*", "pooling"),
    (r"roi_heads\.box_(?:head|predictor)\.(\d+)\b.*", "L^{}"),
    (r"roi_heads\.mask_head\.(\d+)\b.*", "S^{}"),
    (r"roi_heads\.interaction_heads\.(\d+)\.geometric\b.*", "R^{} X_g"),
    (r"roi_heads\.interaction_heads\.(\d+)\.visual\.face_\w+\b.*", "R^{} EFRA"),
    (r"roi_heads\.interaction_heads\.(\d+)\.visual\.ihsm\b.*", "R^{} IHSM"),
    (r"roi_heads\.interaction_heads\.(\d+)\.rrm\b.*", "R^{} RRM"),
    (r"roi_heads\.interaction_heads\.(\d+)\.rcm\b.*", "R^{} RCM"),
    # The rest of R^t: both FC layers of Eq. 11.
    (r"roi_heads\.interaction_heads\.(\d+)\b.*", "R^{} X_v"),
)
_ORDER = ("backbone", "RPN", "L", "S", "R", "other")
_ORDER_IN_R = ("X_g", "IHSM", "EFRA", "X_v", "RRM", "RCM")


@dataclass(frozen=True)
class Scene:
    """The image that operations are counted on.

    Attributes:
        size: (height, width) in pixels, as the model gets it.
        proposals: boxes that enter the cascade.
        humans, objects: instances that form pairs; every human has a face.
    """

    size: tuple[int, int]
    proposals: int
    humans: int
    objects: int


def part_of(name: str) -> str:
    """The part that a module or parameter belongs to: "L^2", "R^3 EFRA", ...; else "other"."""
    for pattern, part in _PARTS:
        match = re.fullmatch(pattern, name)
        if match:
            return part.format(*(int(stage) + 1 for stage in match.groups()))
    return "other"


def in_order(parts: set[str]) -> list[str]:
    """Parts in the order in which an image meets them."""

    def key(part: str):
        place, _, inner = part.partition(" ")
        kind, _, stage = place.partition("^")
        return _ORDER.index(kind), int(stage or 0), _ORDER_IN_R.index(inner) if inner else 0

    return sorted(parts, key=key)


def count_parameters(model: nn.Module) -> Counter[str]:
    """Part -> number of parameters, frozen ones as well."""
    counts: Counter[str] = Counter()
    for name, parameter in model.named_parameters():
        counts[part_of(name)] += parameter.numel()
    return counts


@torch.no_grad()
def count_operations(model: nn.Module, scene: Scene) -> Counter[str]:
    """Part -> multiply-adds of an inference.

    Convolutions and matrix products are counted as they are executed; RoIAlign, element-wise
    operations and reductions are not. A multiply-add counts once, as fvcore has it.

    Args:
        model: a ``CHOIRCNN``; its weights do not matter.
        scene: its proposals and instances are given to the model.
    """
    was_training = model.training
    model.eval()
    images = _blank_image(model, scene.size)
    proposals = _proposals(scene, images.tensor.device)
    instances, faces = _instances(model, scene, images.tensor.device)
    with PartCounter(model) as of_image:
        features = model.backbone(images.tensor)
        model.proposal_generator(images, features, None)
    with PartCounter(model) as of_proposals:
        model.roi_heads(images, features, [proposals])
    with PartCounter(model) as of_instances:
        model.roi_heads.recognise_given(features, [instances], [faces])
    counts = Counter(of_image.counts)
    # What comes after L^T depends on what random weights detect: that is counted on the instances.
    counts += _only(of_proposals.counts, "L")
    counts += _only(of_instances.counts, "S", "R", "other")
    model.train(was_training)
    return counts


def count_pairs(model: nn.Module, scene: Scene) -> int:
    """Pairs that the instances of the scene form."""
    return len(model.roi_heads.pair_rules.enumerate(_classes(model, scene)))


def analyze(cfg: CfgNode, scene: Scene) -> dict[str, Any]:
    """What a config's model consists of, and what an image costs; no weights are loaded.

    Returns:
        ``height``, ``width``, ``proposals``, ``humans``, ``objects`` and ``pairs`` of the scene;
        ``parts``: part -> ``parameters`` and ``operations`` (multiply-adds); ``total``, likewise.
    """
    model = build_model(cfg)
    parameters, operations = count_parameters(model), count_operations(model, scene)
    return {
        "height": scene.size[0],
        "width": scene.size[1],
        "proposals": scene.proposals,
        "humans": scene.humans,
        "objects": scene.objects,
        "pairs": count_pairs(model, scene) if cfg.MODEL.INTERACTION_ON else 0,
        "parts": {
            part: {"parameters": parameters[part], "operations": operations[part]}
            for part in in_order(set(parameters) | set(operations))
        },
        "total": {"parameters": parameters.total(), "operations": operations.total()},
    }


def describe(analysis: dict[str, Any]) -> str:
    """What :func:`analyze` gave, as a table, and what it was counted on."""
    rows = [
        (part, f"{counts['parameters']:,}", _giga(counts["operations"]))
        for part, counts in [*analysis["parts"].items(), ("total", analysis["total"])]
    ]
    rows.insert(-1, ("", "", ""))
    table = tabulate(
        rows,
        headers=["part", "parameters", "GFLOPs"],
        colalign=("left", "right", "right"),
        disable_numparse=True,
    )
    scene = (
        "An image of {height} x {width} with {proposals} proposals; {humans} humans and {objects} "
        "objects form {pairs} pairs.\nA multiply-add counts as one operation. At inference, only "
        "the last R^t is run, and of the one\nbefore it what Eq. 11 looks back to."
    )
    return f"{table}\n\n{scene.format(**analysis)}"


def _giga(operations: int) -> str:
    if 0 < operations < 5e5:
        return "< 0.001"
    return f"{operations / 1e9:,.3f}" if operations else "-"


class PartCounter:
    """Counts multiply-adds by part, within a ``with`` block.

    An operation belongs to the innermost module that is running.

    Attributes:
        counts: part -> multiply-adds.

    Args:
        model: whose modules' names tell the parts.
    """

    def __init__(self, model: nn.Module):
        self.counts: Counter[str] = Counter()
        self._model = model
        self._mode = FlopCounterMode(display=False)
        self._stack = ["other"]
        self._seen: Counter = Counter()
        self._hooks = []

    def __enter__(self) -> PartCounter:
        for name, module in self._model.named_modules():
            part = part_of(name)
            if part != "other":
                self._hooks.append(module.register_forward_pre_hook(self._entering(part)))
                self._hooks.append(module.register_forward_hook(self._leaving))
        self._mode.__enter__()
        return self

    def __exit__(self, *error) -> None:
        self._settle()
        self._mode.__exit__(*error)
        for hook in self._hooks:
            hook.remove()

    def _entering(self, part: str):
        def enter(module, inputs):
            self._settle()
            self._stack.append(part)

        return enter

    def _leaving(self, module, inputs, outputs) -> None:
        self._settle()
        self._stack.pop()

    def _settle(self) -> None:
        """Put what was executed since the last time to the account of the running part."""
        now = Counter(self._mode.get_flop_counts().get("Global", {}))
        for flops in (now - self._seen).values():
            self.counts[self._stack[-1]] += flops // 2
        self._seen = now


def _only(counts: Counter[str], *kinds: str) -> Counter[str]:
    return Counter({part: n for part, n in counts.items() if part.startswith(kinds)})


def _blank_image(model: nn.Module, size: tuple[int, int]) -> ImageList:
    image = torch.zeros(3, *size, dtype=torch.uint8)
    return model.preprocess_image([{"image": image}])


def _boxes(count: int, size: tuple[int, int], device: torch.device) -> Tensor:
    """Tensor[count, 4]: boxes of many sizes, the same ones every time."""
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(count, 2, 2, generator=generator).sort(dim=1).values
    height, width = size
    corners = corners * 0.9 + torch.tensor([[0.0], [0.1]])  # none is empty
    return (corners * torch.tensor([width, height])).flatten(1).to(device)


def _proposals(scene: Scene, device: torch.device) -> Instances:
    return Instances(
        scene.size,
        proposal_boxes=Boxes(_boxes(scene.proposals, scene.size, device)),
        objectness_logits=torch.zeros(scene.proposals, device=device),
    )


def _classes(model: nn.Module, scene: Scene) -> Tensor:
    human = model.roi_heads.pair_rules.human_class
    classes = torch.full((scene.humans + scene.objects,), human)
    classes[scene.humans :] = 0 if human else min(1, model.roi_heads.num_classes - 1)
    return classes


def _instances(model: nn.Module, scene: Scene, device: torch.device):
    """(the instances, a face in the middle of each human's upper half)."""
    boxes = _boxes(scene.humans + scene.objects, scene.size, device)
    instances = Instances(
        scene.size, pred_boxes=Boxes(boxes), pred_classes=_classes(model, scene).to(device)
    )
    humans = boxes[: scene.humans]
    quarter = (humans[:, 2:] - humans[:, :2]) / 4
    low = humans[:, :2] + quarter * torch.tensor([1.5, 0.5], device=device)
    faces = Boxes(torch.cat([low, low + quarter], dim=1))
    return instances, Instances(
        scene.size, boxes=faces, scores=torch.ones(scene.humans, device=device)
    )
