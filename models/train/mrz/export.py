"""Folds the trained network and writes it: `python export.py WORK/checkpoint.pt mrz_ctc.safetensors`.

The folded network is run beside the trained one on noise before it is written; they must agree.
"""

import pathlib
import sys

import torch
from safetensors.torch import save
from torch.nn import functional

from net import Reader


def folded_run(tensors, image):
    """The forward pass as src/vision/nets/mrz_ctc.rs describes it."""
    def conv(name, x, stride=(1, 1), pad=None, groups=1):
        weight = tensors[f"{name}.weight"]
        pad = (weight.shape[2] // 2, weight.shape[3] // 2) if pad is None else pad
        return functional.conv2d(x, weight, tensors[f"{name}.bias"], stride, pad, groups=groups)

    x = image / 127.5 - 1
    x = conv("stem", x, (2, 2)).relu()
    x = conv("down", x, (2, 2)).relu()
    x = conv("look1", x).relu()
    x = conv("lower1", x, (2, 1)).relu()
    x = (x + conv("look2", x)).relu()
    x = conv("lower2", x, (2, 1)).relu()
    x = conv("flatten", x, pad=(0, 1)).relu()
    for i in range(3):
        y = conv(f"along.{i}", x, groups=x.shape[1]).relu()
        x = (x + conv(f"across.{i}", y)).relu()
    return conv("head", x).squeeze(2).transpose(1, 2).log_softmax(2)


def main() -> None:
    source, result = map(pathlib.Path, sys.argv[1:3])
    net = Reader()
    net.load_state_dict(torch.load(source, map_location="cpu")["average"])
    net.eval()
    tensors = net.folded()
    noise = 255 * torch.rand(3, 1, 32, 256, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        apart = (net(noise).exp() - folded_run(tensors, noise).exp()).abs().max().item()
    if not apart < 1e-4:
        raise SystemExit(f"folding changed a probability by {apart}")
    result.write_bytes(save(tensors))
    print(f"{sum(t.numel() for t in tensors.values())} numbers, folded within {apart:.1e}")


if __name__ == "__main__":
    main()
