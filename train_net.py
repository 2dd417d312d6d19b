#!/usr/bin/env python
"""Train or evaluate C-HOI.

python train_net.py --config-file configs/HOIW/choi_R_50_FPN.yaml --num-gpus 8
torchrun --standalone --nproc_per_node 8 train_net.py --config-file ...
python train_net.py --config-file ... --resume
python train_net.py --config-file ... --eval-only MODEL.WEIGHTS model_final.pth
"""

from detectron2.engine import default_argument_parser, default_setup
from detectron2.evaluation import verify_results
from detectron2.utils import comm
from detectron2.utils.logger import setup_logger

from choi_d2.engine import (
    HOITrainer,
    launch_or_join,
    load_config,
    load_trained,
    write_results,
)
from choi_d2.utils import clean_exit


def setup(args):
    """The checked, frozen config of this run, logged and saved in OUTPUT_DIR."""
    cfg = load_config(args.config_file, args.opts)
    cfg.freeze()
    default_setup(cfg, args)
    setup_logger(cfg.OUTPUT_DIR, distributed_rank=comm.get_rank(), name="choi_d2")
    return cfg


def evaluate(cfg, resume):
    """Evaluate MODEL.WEIGHTS, or with ``resume`` the last checkpoint in OUTPUT_DIR."""
    trained = load_trained(cfg, resume=resume)
    results = HOITrainer.test(trained.cfg, trained.model)
    if comm.is_main_process():
        iteration = trained.rest.get("iteration")
        write_results(cfg, results, weights=trained.source, iteration=iteration)
        verify_results(cfg, results)
    return results


def main(args):
    """Train, or evaluate with --eval-only; returns the metrics."""
    cfg = setup(args)
    if args.eval_only:
        return evaluate(cfg, resume=args.resume)
    trainer = HOITrainer(cfg)
    trainer.resume_or_load(resume=args.resume)
    return trainer.train()


if __name__ == "__main__":
    args = default_argument_parser(__doc__).parse_args()
    with clean_exit():
        launch_or_join(main, args)
