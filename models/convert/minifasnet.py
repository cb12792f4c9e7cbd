"""MiniFASNet-V2 (Minivision, Apache-2.0) from TensorFlow Lite to safetensors:
`python minifasnet.py DOWNLOADS minifasnet_v2.safetensors`.

Batch normalisation is folded in the published file already. Convolutions are numbered in their order; the leak below
zero that follows one, which the file spells out as a product with its slopes, has the same number.
"""

import pathlib
import sys

import numpy
from safetensors.numpy import save

import source
from tflite_graph import Operation, operations

PATH = "package/android/src/main/assets/anti_spoof.tflite"


def tensors(graph: list[Operation]) -> dict[str, numpy.ndarray]:
    out, maker = {}, {}
    linear = iter(("fc1", "fc2"))
    for operation in graph:
        if operation.kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            number = len(maker)
            maker[operation.output] = number
            out[f"conv.{number}.weight"], out[f"conv.{number}.bias"] = operation.weight(), operation.constants[2]
        elif operation.kind == "MUL" and operation.inputs[0] in maker:
            slopes = operation.constants[1].reshape(-1, operation.constants[1].shape[-1])
            if numpy.ptp(slopes, axis=0).max() > 1e-6:
                raise SystemExit("a slope differs from pixel to pixel")
            out[f"prelu.{maker[operation.inputs[0]]}.weight"] = slopes[0]
        elif operation.kind == "FULLY_CONNECTED":
            name = next(linear)
            out[f"{name}.weight"] = operation.constants[1]
            if 2 in operation.constants:
                out[f"{name}.bias"] = operation.constants[2]
    return out


def main() -> None:
    downloads, result = map(pathlib.Path, sys.argv[1:3])
    made = tensors(operations(source.network(downloads, PATH)))
    result.write_bytes(save({k: numpy.ascontiguousarray(v, numpy.float32) for k, v in made.items()}))


if __name__ == "__main__":
    main()
