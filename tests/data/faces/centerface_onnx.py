"""A face detector as an ONNX file, with CenterFace's inputs and outputs, that finds red squares."""

from __future__ import annotations

from pathlib import Path

import numpy as np

STRIDE, SIDE = 4, 32
# Scores of windows that are red through and through are sigmoid(SHARPNESS), about 0.9975, and of
# those that are to four fifths, a half.
SHARPNESS = 6.0


def write_red_square_centerface(path: Path) -> Path:
    """Write the model: a face is a 32 x 32 window, centred on a cell, that is red to four fifths.

    Its box is 32 wide and 16 high, and a cell's width right and below of the window's centre.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    red = np.stack([np.full((SIDE, SIDE), x) for x in (1, -1, -1)])[None]
    red = red * 5 * SHARPNESS / (255 * SIDE**2)
    still = np.zeros((2, 3, SIDE, SIDE))
    maps = {
        "heat": (red, [-4 * SHARPNESS]),
        # Height first.
        "538": (still, np.log([16 / STRIDE, 32 / STRIDE])),
        "539": (still, [1, 1]),
        "540": (np.zeros((10, 3, SIDE, SIDE)), np.zeros(10)),
    }
    nodes, weights = [], []
    for name, (kernel, bias) in maps.items():
        for part, value in (("w", kernel), ("b", bias)):
            weights.append(numpy_helper.from_array(np.array(value, np.float32), f"{name}_{part}"))
        nodes.append(
            helper.make_node(
                "Conv",
                ["input", f"{name}_w", f"{name}_b"],
                [name],
                kernel_shape=[SIDE, SIDE],
                strides=[STRIDE, STRIDE],
                # The window's centre is the cell's.
                pads=[(SIDE - STRIDE) // 2] * 4,
            )
        )
    nodes.append(helper.make_node("Sigmoid", ["heat"], ["537"]))
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, 160, 160])
        for name, channels in (("537", 1), ("538", 2), ("539", 2), ("540", 10))
    ]
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 640, 640])
    graph = helper.make_graph(nodes, "red squares", [image], outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    onnx.save(model, str(path))
    return path
