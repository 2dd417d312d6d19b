"""train_net.py, which also writes down each iteration's losses, bit for bit.

python recorded_training.py, with train_net.py's arguments
"""

import json
import sys
from pathlib import Path

from detectron2.engine import HookBase

from choi_d2.engine import HOITrainer

FILE = "losses.jsonl"


class RecordedTrainer(HOITrainer):
    """Adds a line to ``OUTPUT_DIR/losses.jsonl`` when an iteration is done."""

    def build_hooks(self):
        return [LossRecorder(Path(self.cfg.OUTPUT_DIR, FILE)), *super().build_hooks()]


class LossRecorder(HookBase):
    def __init__(self, path):
        self.path = path

    def before_train(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.trainer.model.register_forward_hook(self._remember)

    def _remember(self, model, inputs, outputs):
        if model.training:
            losses = {name: loss.item().hex() for name, loss in outputs.items()}
            images = [Path(each["file_name"]).name for each in inputs[0]]
            self.last = {"iteration": self.trainer.iter, "images": images, "losses": losses}

    def after_step(self):
        with open(self.path, "a") as file:
            file.write(json.dumps(self.last) + "\n")


def read_losses(folder):
    """Iteration -> (images, losses); where it has been gone through twice, the last time."""
    path = Path(folder, FILE)
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    # The process that writes may be in the middle of a line.
    entries = [json.loads(line) for line in lines if line.endswith("\n")]
    return {each["iteration"]: (each["images"], each["losses"]) for each in entries}


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from detectron2.engine import default_argument_parser

    from choi_d2.engine import running

    running.HOITrainer = RecordedTrainer
    running.train_or_evaluate(default_argument_parser().parse_args())
