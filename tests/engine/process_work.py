"""What the processes of test_distributed.py do; a module, so that they find it by its name."""

import sys
from pathlib import Path

import numpy as np
import torch
from detectron2.data import build_detection_test_loader
from detectron2.evaluation import inference_on_dataset
from detectron2.utils import comm

from choi_d2.engine import distributed
from choi_d2.evaluation import build_evaluator

sys.path.append(str(Path(__file__).parents[1] / "evaluation"))
from hoi_scenes import hoiw_like_metadata, random_output, random_record, registered  # noqa: E402


class Remembered(torch.nn.Module):
    """Finds in each image what was found before."""

    def __init__(self, outputs):
        super().__init__()
        self.outputs = outputs

    def forward(self, inputs):
        return [self.outputs[each["image_id"]] for each in inputs]


def evaluate_scenes(count, folder):
    """Metrics of ``count`` images, this process's share of them evaluated here."""
    random = np.random.default_rng(count)
    records = [random_record(random, f"{i}.png") for i in range(count)]
    outputs = {record["image_id"]: random_output(random, record) for record in records}
    with registered(f"scenes_{count}", records, **hoiw_like_metadata()) as name:
        loader = build_detection_test_loader(records, mapper=dict)
        evaluator = build_evaluator(name, folder)
        return len(loader), inference_on_dataset(Remembered(outputs), loader, evaluator)


def small_network(seed):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4))


def work(args):
    """Write to ``args.folder`` what this process finds; then the second one fails, alone."""
    folder, rank = args.folder, comm.get_rank()
    found = {n: evaluate_scenes(n, folder / f"{n}_in_two") for n in (5, 1)}
    model = distributed.distribute(small_network(seed=rank))
    generator = torch.Generator().manual_seed(rank)
    model(torch.rand(2, 3, 4, 4, generator=generator)).mean().backward()
    found["before"] = {name: x.clone() for name, x in model.module.state_dict().items()}
    distributed.share_state(model)
    found["after"] = model.module.state_dict()
    torch.save(found, folder / f"{rank}.pth")
    comm.synchronize()
    sys.stderr = open(folder / f"{rank}.err", "w")  # noqa: SIM115 (until this process ends)
    if rank == 1:
        raise ValueError("the original error")
    comm.synchronize()  # the first process waits for the second
