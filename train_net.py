#!/usr/bin/env python
"""Train or evaluate C-HOI.

python train_net.py --config-file configs/HOIW/choi_R_50_FPN.yaml --num-gpus 8
python train_net.py --config-file ... --resume
python train_net.py --config-file ... --eval-only MODEL.WEIGHTS model_final.pth
"""

from detectron2.engine import default_argument_parser, default_setup, launch
from detectron2.evaluation import verify_results
from detectron2.utils import comm
from detectron2.utils.logger import setup_logger

from choi_d2.engine import HOICheckpointer, HOITrainer, load_config
from choi_d2.utils import clean_exit


def setup(args):
    """The checked, frozen config of this run, logged and saved in OUTPUT_DIR."""
    cfg = load_config(args.config_file, args.opts)
    cfg.freeze()
    default_setup(cfg, args)
    setup_logger(cfg.OUTPUT_DIR, distributed_rank=comm.get_rank(), name="choi_d2")
    return cfg


def main(args):
    """Train, or evaluate with --eval-only; returns the metrics."""
    cfg = setup(args)
    if args.eval_only:
        model = HOITrainer.build_model(cfg)
        HOICheckpointer(model, save_dir=cfg.OUTPUT_DIR).resume_or_load(
            cfg.MODEL.WEIGHTS, resume=args.resume
        )
        results = HOITrainer.test(cfg, model)
        if comm.is_main_process():
            verify_results(cfg, results)
        return results
    trainer = HOITrainer(cfg)
    trainer.resume_or_load(resume=args.resume)
    return trainer.train()


if __name__ == "__main__":
    args = default_argument_parser(__doc__).parse_args()
    with clean_exit():
        launch(
            main,
            args.num_gpus,
            num_machines=args.num_machines,
            machine_rank=args.machine_rank,
            dist_url=args.dist_url,
            args=(args,),
        )
