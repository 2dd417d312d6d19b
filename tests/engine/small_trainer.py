"""A trainer of one layer, with hooks of choice."""

import torch
from detectron2.engine import HookBase, SimpleTrainer

from choi_d2.engine import HOICheckpointer


class TwoTerms(torch.nn.Module):
    """Its losses are the mean of the batch's values, and half of it; 3 raises as told."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))

    def forward(self, batch):
        mean = sum(each["value"] for each in batch) / len(batch)
        return {"loss_a": self.weight * mean, "loss_b": (self.weight * mean / 2).abs()}


class SmallTrainer(SimpleTrainer):
    """Trains on images of the given values, two at a time; saves in ``folder``."""

    def __init__(self, values, folder, hooks=lambda trainer: ()):
        images = [{"value": value, "file_name": f"{i}.png"} for i, value in enumerate(values)]
        batches = [images[i : i + 2] for i in range(0, len(images), 2)]
        model = TwoTerms()
        super().__init__(model, batches, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9))
        self.max_iter = len(batches)
        self.checkpointer = HOICheckpointer(model, str(folder), trainer=self)
        self.register_hooks([*hooks(self)])

    def train(self):
        super().train(0, self.max_iter)


class Do(HookBase):
    """Calls a function after one of the iterations, and counts the ends of training."""

    def __init__(self, iteration, function):
        self.iteration, self.function = iteration, function
        self.ended = 0

    def after_step(self):
        if self.trainer.iter == self.iteration:
            self.function()

    def after_train(self):
        self.ended += 1
