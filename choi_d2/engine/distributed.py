"""Several processes, on one machine or on several: how they start, and what they share."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable

import torch
import torch.distributed as dist
from detectron2.engine import create_ddp_model, default_argument_parser, launch
from detectron2.engine.launch import DEFAULT_TIMEOUT
from detectron2.utils import comm
from torch import nn
from torch.multiprocessing import ProcessExitedException

from choi_d2.utils import InputError, clean_exit

from .weights_config import run_config

Main = Callable[[argparse.Namespace], object]


def launch_or_join(main: Main, args: argparse.Namespace) -> None:
    """Run ``main(args)`` in every process of a training or evaluation.

    Under ``torchrun`` this process is one of those that torchrun has started. Otherwise
    ``--num-gpus`` processes are started here, by Detectron2's ``launch``. They talk by NCCL if the
    config's ``MODEL.DEVICE`` is a GPU that is there, else by gloo: then ``--num-gpus`` is the
    number of processes on the CPU.

    A process that fails says why on stderr and ends the others, and the exit status is its own.

    Args:
        main: what every process does.
        args: of Detectron2's ``default_argument_parser``.

    Raises:
        InputError: the arguments contradict each other, torchrun or the machine.
    """
    if dist.is_torchelastic_launched():
        _check_left_to_torchrun(args)
        _join(main, args)
        return
    _check_machines(args)
    if args.num_gpus * args.num_machines == 1:
        main(args)
        return
    if not _uses_gpus(args, args.num_gpus):
        # Detectron2 takes NCCL wherever its processes see a GPU.
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    try:
        launch(
            _run,
            args.num_gpus,
            num_machines=args.num_machines,
            machine_rank=args.machine_rank,
            dist_url=args.dist_url,
            args=(main, args),
        )
    except ProcessExitedException as error:
        if error.exit_code < 0:  # killed: nobody has said why
            raise
        sys.exit(error.exit_code)


def distribute(model: nn.Module) -> nn.Module:
    """The model, wrapped in ``DistributedDataParallel`` if there are several processes.

    Detectron2's ``create_ddp_model`` alone would look for a GPU. Buffers are not sent around at
    every step: a process that has no more images to evaluate would be waited for. See
    :func:`share_state`.
    """
    on_gpu = next(model.parameters()).is_cuda
    device_ids = [comm.get_local_rank()] if on_gpu and comm.get_world_size() > 1 else None
    return create_ddp_model(model, broadcast_buffers=False, device_ids=device_ids)


@torch.no_grad()
def share_state(model: nn.Module) -> None:
    """Give every process the main process's parameters and buffers.

    Batch norm's running statistics are each process's own in training; the main process's are what
    a checkpoint keeps, and what all processes evaluate.

    Args:
        model: on the same device kind in all processes; all of them have to call this.
    """
    if comm.get_world_size() > 1:
        for tensor in model.state_dict().values():
            dist.broadcast(tensor, src=0)


def _join(main: Main, args: argparse.Namespace) -> None:
    """Run ``main`` as one of torchrun's processes."""
    local_rank, local_size = int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])
    on_gpus = _uses_gpus(args, local_size)
    if int(os.environ["WORLD_SIZE"]) > 1:
        if on_gpus:
            torch.cuda.set_device(local_rank)
        dist.init_process_group("nccl" if on_gpus else "gloo", timeout=DEFAULT_TIMEOUT)
        comm.create_local_process_group(local_size)
        comm.synchronize()
    _run(main, args)


def _run(main: Main, args: argparse.Namespace) -> None:
    """``main`` in one of several processes; ends the process with a message if it fails."""
    try:
        with clean_exit():
            main(args)
    except Exception:
        # At once: when this process is gone, the others fail too, for want of it.
        print(f"Process {comm.get_rank()} failed:\n{traceback.format_exc()}", file=sys.stderr)
        sys.exit(1)
    if dist.is_initialized():
        dist.destroy_process_group()


def _uses_gpus(args: argparse.Namespace, processes: int) -> bool:
    """Does each process of this machine get a GPU?

    Raises:
        InputError: there are fewer GPUs than processes, or the config wants a certain one.
    """
    device = torch.device(run_config(args).MODEL.DEVICE)
    if device.type != "cuda":
        return False
    if device.index is not None and processes > 1:
        raise InputError(
            f"{str(device)!r} is one GPU, but there are {processes} processes",
            field="MODEL.DEVICE",
            hint="Set it to 'cuda': each process takes its own.",
        )
    if processes > torch.cuda.device_count():
        raise InputError(
            f"{processes} processes need as many GPUs, PyTorch finds {torch.cuda.device_count()}",
            hint="Start fewer (--num-gpus, torchrun's --nproc_per_node), or set MODEL.DEVICE to "
            "'cpu'.",
        )
    return True


def _check_left_to_torchrun(args: argparse.Namespace) -> None:
    given = {
        "--num-gpus": args.num_gpus != 1,
        "--num-machines": args.num_machines != 1,
        "--machine-rank": args.machine_rank != 0,
    }
    names = [name for name, is_given in given.items() if is_given]
    if names:
        raise InputError(
            f"{' and '.join(names)} cannot be used under torchrun, which has started "
            f"{os.environ['WORLD_SIZE']} process(es) itself",
            hint="Leave it out and use torchrun's --nproc_per_node, --nnodes and --node_rank, or "
            "start train_net.py with python.",
        )


def _check_machines(args: argparse.Namespace) -> None:
    for name, value in (("--num-gpus", args.num_gpus), ("--num-machines", args.num_machines)):
        if value < 1:
            raise InputError(f"expected at least 1, got {value}", field=name)
    if not 0 <= args.machine_rank < args.num_machines:
        raise InputError(
            f"expected 0 to {args.num_machines - 1}, as there are {args.num_machines} machine(s), "
            f"got {args.machine_rank}",
            field="--machine-rank",
        )
    own = ("auto", default_argument_parser().get_default("dist_url"))
    if args.num_machines > 1 and args.dist_url in own:
        raise InputError(
            f"expected an address of machine 0 that all machines reach, got {args.dist_url!r}",
            field="--dist-url",
            hint="Give all of them the same, such as tcp://10.0.0.1:29500.",
        )
