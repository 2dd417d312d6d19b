"""The evaluators' seconds beside the official ones', on the same generated inputs.

Both sides include the reading of all files, V-COCO's detections as a pickle; ours is once the call
inside a running Python, as the official figures are, and once the whole command, start of Python
included. HICO-DET's official figures are of one setting each, start of Octave included; ours are of
both settings together. CPU seconds are the process's: on a machine that does other work as well
they say more than the clock.
"""

from __future__ import annotations

import os
import pickle
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tabulate import tabulate

from choi_d2.utils import read_json

from .findings import Findings
from .hicodet_files import evaluate_hicodet_files
from .hoiw_files import evaluate_hoiw_files
from .pic_files import evaluate_pic_files
from .vcoco_files import evaluate_vcoco_files

REPEATS = 3

# Case of timing.json -> ((metric there, metric here), ...), tolerance.
METRICS = {
    "hoiw": ([("mAP", "mAP_rel")], 1e-9),
    "hoiw_pair_boxes": ([("mAP", "mAP_rel")], 1e-9),
    "pic": ([("average_top_k_100", "R@100")], 1e-9),
    "vcoco": (
        [
            ("mean_agent_ap_26", "AP_agent"),
            ("mean_role_ap_25_scenario_1", "AP_role_S1_25"),
            ("mean_role_ap_25_scenario_2", "AP_role_S2_25"),
        ],
        1e-6,
    ),
    "hicodet": (
        [(f"mAP_{group}", f"mAP_{group}") for group in ("full", "rare", "non_rare")],
        1e-9,
    ),
}
HICODET_SETTINGS = ("default", "known_object")


def time_evaluators(fixtures: Path, inputs: Path | None = None) -> dict[str, Any]:
    """Run all cases.

    Args:
        fixtures: holds ``timing.json`` and ``timing_hicodet.json``, the official evaluators'
            seconds and metrics, and ``generators/``, the scripts that write the inputs.
        inputs: keeps the generated inputs, or has them from the last time.

    Returns:
        ``machine`` and ``official_machine``; ``cases``: case -> its seconds, and whether the
        metrics are equal.

    Raises:
        InputError: the fixtures are not there.
    """
    timing = read_json(fixtures / "timing.json") | read_json(fixtures / "timing_hicodet.json")
    cases = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = inputs or Path(temporary)
        for name in METRICS:
            cases |= _run(name, timing[name], fixtures / "generators", folder / name)
    return {"machine": _machine(), "official_machine": timing["machine"], "cases": cases}


def timing_table(timing: dict[str, Any]) -> str:
    """What :func:`time_evaluators` gave, for people."""
    rows = [
        [
            name,
            case["images"],
            *(f"{case[key]:.2f}" for key in ("official_s", "call_s", "command_s")),
            f"{case['official_s'] / case['call_s']:.1f} x",
            *(f"{case[key]:.2f}" for key in ("official_cpu_s", "call_cpu_s")),
            f"{case['official_cpu_s'] / case['call_cpu_s']:.1f} x",
            f"{case['difference']:.0e}",
        ]
        for name, case in timing["cases"].items()
    ]
    headers = ["input", "images", "official s", "ours s", "whole command s", "faster"]
    headers += ["official CPU s", "ours CPU s", "less", "difference"]
    official = timing["official_machine"]
    return "\n".join(
        [
            tabulate(rows, headers, tablefmt="pipe", disable_numparse=True),
            f"official: {official['cpu']}, {official['cores']} cores",
            "ours:     " + ", ".join(f"{key} {value}" for key, value in timing["machine"].items()),
        ]
    )


def _run(name: str, official: dict, generators: Path, folder: Path) -> dict[str, dict]:
    """Row of the table -> its figures."""
    if not folder.exists():
        print(f"writing the input of {name} ...", file=sys.stderr, flush=True)
        script = generators / official["script"]
        words = [folder, official["seed"], *official["options"]]
        subprocess.run([sys.executable, script, *map(str, words)], check=True)
    if name == "vcoco":
        detections = read_json(folder / "pred.json")
        (folder / "pred.pkl").write_bytes(pickle.dumps(detections))
    call, words = _call(name, folder)
    metrics, call_s, call_cpu_s = _best(call)
    command = [sys.executable, "-m", "choi_d2", "eval", *map(str, words)]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True}
    _, command_s, _ = _best(lambda: subprocess.run(command, **silent))
    ours = {"images": official["images"], "call_s": call_s, "call_cpu_s": call_cpu_s}
    ours["command_s"] = command_s
    if name == "hicodet":
        (settings,) = (value for key, value in official.items() if key.startswith("official"))
        return {
            f"hicodet, {setting}": ours
            | _compared(name, settings[setting], metrics[setting])
            | {
                "official_s": settings[setting]["wall_s"],
                "official_cpu_s": settings[setting]["cpu_s"],
            }
            for setting in HICODET_SETTINGS
        }
    seconds = next(value for value in official.values() if isinstance(value, dict))
    theirs = {"official_s": seconds["best_s"], "official_cpu_s": min(seconds["cpu_s"])}
    return {name: ours | _compared(name, official, metrics) | theirs}


def _compared(name: str, official: dict, metrics: dict) -> dict:
    pairs, tolerance = METRICS[name]
    difference = max(abs(official[theirs] - metrics[ours]) for theirs, ours in pairs)
    return {"difference": difference, "equal": difference <= tolerance}


def _call(name: str, folder: Path) -> tuple[Callable[[], dict], list]:
    """The evaluator as a function, and as words of the command line."""
    if name == "vcoco":
        files = [folder / f for f in ("vcoco.json", "instances.json", "ids.txt", "pred.pkl")]
        flags = ("--vsrl", "--coco", "--ids", "--pred")
        words = [word for pair in zip(flags, files, strict=True) for word in pair]
        return lambda: evaluate_vcoco_files(*files, Findings()), ["vcoco", *words]
    if name == "hicodet":
        files = ("instances_test2015.json", "detections.json")
        truth, predictions = (folder / file for file in files)
        others = {
            "train": folder / "instances_train2015.json",
            "labels": folder / "image_labels_test.json",
        }
        words = ["hicodet", "--gt", truth, "--pred", predictions]
        words += [word for key, file in others.items() for word in (f"--{key}", file)]
        return lambda: evaluate_hicodet_files(truth, predictions, Findings(), **others), words
    if name == "pic":
        truth, predictions = folder / "gt", folder / "pred"
        words = ["pic", "--gt", truth, "--pred", predictions]
        return lambda: evaluate_pic_files(truth, predictions, Findings()), words
    truth, predictions = folder / "gt.json", folder / "pred.json"
    words = ["hoiw", "--gt", truth, "--pred", predictions]
    return lambda: evaluate_hoiw_files(truth, predictions, Findings()), words


def _best(call: Callable) -> tuple[dict, float, float]:
    """What it returned, and the least seconds by the clock and of this process's CPU."""
    wall, cpu = [], []
    for _ in range(REPEATS):
        start, cpu_start = time.perf_counter(), time.process_time()
        result = call()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - cpu_start)
    return result, min(wall), min(cpu)


def _machine() -> dict:
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].split(":", 1)[1].strip() if names else cpu
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
    }
