"""A face detector as an ONNX file, with SCRFD's inputs and outputs, that finds red squares."""

from __future__ import annotations

from pathlib import Path

import numpy as np

STRIDES = (8, 16, 32)
# A cell that is red through and through has the score sigmoid(SHARPNESS), about 0.9975.
SHARPNESS = 6.0


def write_red_square_detector(
    path: Path, *, keypoints: bool, input_size: tuple[int | str, int | str] = ("h", "w")
) -> Path:
    """Write the model.

    A 32 x 32 cell of the 640 x 640 input (the grid of stride 32) that is red is a face, and the
    face's box is that cell. Two anchors a cell, as SCRFD has, the second of which never fires;
    strides 8 and 16 never fire.

    Args:
        path: where to.
        keypoints: with the outputs for landmarks (9 outputs), or without (6).
        input_size: (height, width): numbers, or names of dynamic dimensions.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, weights = [], []

    def constant(name: str, value: np.ndarray) -> str:
        weights.append(numpy_helper.from_array(value, name))
        return name

    def head(kind: str, stride: int, kernel: np.ndarray, bias: np.ndarray, columns: int) -> str:
        """Conv over whole cells, then one row for each (cell, anchor)."""
        name = f"{kind}_{stride}"
        inputs = [
            "input",
            constant(f"{name}_w", kernel.astype(np.float32)),
            constant(f"{name}_b", bias.astype(np.float32)),
        ]
        nodes.append(helper.make_node("Conv", inputs, [f"{name}_map"], strides=[stride, stride]))
        last = f"{name}_map"
        if kind == "score":
            nodes.append(helper.make_node("Sigmoid", [last], [f"{name}_sigmoid"]))
            last = f"{name}_sigmoid"
        nodes.append(helper.make_node("Transpose", [last], [f"{name}_nhwc"], perm=[0, 2, 3, 1]))
        shape = constant(f"{name}_shape", np.array([-1, columns], np.int64))
        nodes.append(helper.make_node("Reshape", [f"{name}_nhwc", shape], [name]))
        return name

    def still(channels: int, stride: int) -> np.ndarray:
        return np.zeros((channels, 3, stride, stride))

    outputs = []
    for stride in STRIDES:
        kernel, bias = still(2, stride), np.full(2, -20.0)
        if stride == 32:
            # The input is RGB, (x - 127.5) / 128: red is R - B = 2, black, gray and white are 0.
            kernel[0, 0], kernel[0, 2] = SHARPNESS / stride**2, -SHARPNESS / stride**2
            bias[0] = -SHARPNESS
        outputs.append((head("score", stride, kernel, bias, 1), 1))
    for stride in STRIDES:
        # Distances from the cell's upper left corner, in strides: left, top, right, bottom.
        bias = np.tile([0.0, 0.0, 1.0, 1.0], 2)
        outputs.append((head("box", stride, still(8, stride), bias, 4), 4))
    if keypoints:
        for stride in STRIDES:
            bias = np.full(20, 0.5)
            outputs.append((head("keypoint", stride, still(20, stride), bias, 10), 10))

    graph = helper.make_graph(
        nodes,
        "red_squares",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, *input_size])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, columns])
            for name, columns in outputs
        ],
        weights,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="test"
    )
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def write_embedding_model(path: Path) -> Path:
    """A model with the shapes of a face recognition network: one that detects nothing."""
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("GlobalAveragePool", ["input"], ["embedding"])],
        "embedding",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 112, 112])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, 3, 1, 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(path))
    return path
