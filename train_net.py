#!/usr/bin/env python
"""Train or evaluate C-HOI, as Detectron2's projects do; ``choi train`` is the same.

python train_net.py --config-file configs/HOIW/choi_R_50_FPN.yaml --num-gpus 8
torchrun --standalone --nproc_per_node 8 train_net.py --config-file ...
python train_net.py --config-file ... --resume
python train_net.py --config-file ... --eval-only MODEL.WEIGHTS model_final.pth
"""

from detectron2.engine import default_argument_parser

from choi_d2.engine import launch_or_join
from choi_d2.engine.running import train_or_evaluate as main
from choi_d2.utils import clean_exit

if __name__ == "__main__":
    args = default_argument_parser(__doc__).parse_args()
    with clean_exit():
        launch_or_join(main, args)
