"""mini_XCEPTION for expressions (O. Arriaga, MIT) from TensorFlow.js to safetensors:
`python mini_xception.py DOWNLOADS mini_xception.safetensors`.

Batch normalisation is folded in the published file already, and the weights are halves there; here they are widened, and
renamed after the paper's blocks.
"""

import json
import pathlib
import sys

import numpy
from safetensors.numpy import save

import source

GRAPH = "package/models/emotion.json"
WEIGHTS = "package/models/emotion.bin"

# In the order in which the published graph computes them: our name, kernel side.
LAYERS = {
    "conv2d_1/Conv2D": "stem1",
    "conv2d_2/Conv2D": "stem2",
    "conv2d_3/Conv2D": "blocks.0.side",
    "separable_conv2d_1/separable_conv2d": "blocks.0.separable1.pw",
    "separable_conv2d_2/separable_conv2d": "blocks.0.separable2.pw",
    "conv2d_4/Conv2D": "blocks.1.side",
    "separable_conv2d_3/separable_conv2d": "blocks.1.separable1.pw",
    "separable_conv2d_4/separable_conv2d": "blocks.1.separable2.pw",
}
DEPTHWISE = {1: "blocks.0.separable1.dw", 2: "blocks.0.separable2.dw", 3: "blocks.1.separable1.dw",
             4: "blocks.1.separable2.dw"}


def stored(graph: dict, data: bytes) -> dict[str, numpy.ndarray]:
    out, at = {}, 0
    for entry in graph["weightsManifest"][0]["weights"]:
        kind = "float16" if entry.get("quantization", {}).get("dtype") == "float16" else entry["dtype"]
        count = int(numpy.prod(entry["shape"]))
        values = numpy.frombuffer(data, kind, count, at)
        at += values.nbytes
        out[entry["name"]] = values.reshape(entry["shape"])
    if at != len(data):
        raise SystemExit(f"{len(data)} bytes of weights, {at} of them named")
    return out


def tensors(graph: dict, found: dict[str, numpy.ndarray]) -> dict[str, numpy.ndarray]:
    inputs = {node["name"]: node.get("input", []) for node in graph["modelTopology"]["node"]}
    prefix = "StatefulPartitionedCall/model_1"
    out = {}
    for theirs, ours in LAYERS.items():
        out[f"{ours}.weight"] = found[f"{prefix}/{theirs}_weights"].transpose(3, 2, 0, 1)
        out[f"{ours}.bias"] = found[f"{prefix}/{theirs}_bn_offset"]
    for number, ours in DEPTHWISE.items():
        name = inputs[f"{prefix}/separable_conv2d_{number}/separable_conv2d/depthwise"][1]
        out[f"{ours}.weight"] = found[name].transpose(2, 3, 0, 1)
    weight, bias = inputs[f"{prefix}/conv2d_5/BiasAdd"][1:3]
    out["head.weight"], out["head.bias"] = found[weight].transpose(3, 2, 0, 1), found[bias]
    return out


def main() -> None:
    downloads, result = map(pathlib.Path, sys.argv[1:3])
    graph = json.loads(source.network(downloads, GRAPH))
    made = tensors(graph, stored(graph, source.network(downloads, WEIGHTS)))
    result.write_bytes(save({k: numpy.ascontiguousarray(v, numpy.float32) for k, v in made.items()}))


if __name__ == "__main__":
    main()
