"""The network, as it is trained; src/vision/nets/mrz_ctc.rs describes the same after batch normalisation was folded."""

import torch
from torch import nn


class Conv(nn.Module):
    """Convolution and batch normalisation, under one name in the exported file."""

    def __init__(self, inputs, outputs, kernel, stride=(1, 1), pad=None, groups=1):
        super().__init__()
        pad = (kernel[0] // 2, kernel[1] // 2) if pad is None else pad
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, pad, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.norm(self.conv(x))

    def folded(self):
        scale = self.norm.weight.double() / torch.sqrt(self.norm.running_var.double() + self.norm.eps)
        bias = self.norm.bias.double() - self.norm.running_mean.double() * scale
        return (self.conv.weight.double() * scale[:, None, None, None]).float(), bias.float()


class Reader(nn.Module):
    """Bytes `[n, 1, 32, w]` to log-probabilities `[n, w / 4, 38]`; class 0 is the blank."""

    WIDE = 128
    folded_already = False

    def __init__(self):
        super().__init__()
        self.stem = Conv(1, 16, (5, 5), (2, 2))
        self.down = Conv(16, 32, (3, 3), (2, 2))
        self.look1 = Conv(32, 48, (3, 3))
        self.lower1 = Conv(48, 64, (3, 3), (2, 1))
        self.look2 = Conv(64, 64, (3, 3))
        self.lower2 = Conv(64, 96, (3, 3), (2, 1))
        self.flatten = Conv(96, self.WIDE, (2, 3), pad=(0, 1))
        self.along = nn.ModuleList(Conv(self.WIDE, self.WIDE, (1, 9), groups=self.WIDE) for _ in range(3))
        self.across = nn.ModuleList(Conv(self.WIDE, self.WIDE, (1, 1)) for _ in range(3))
        self.head = nn.Conv2d(self.WIDE, 38, 1)
        self.drop = nn.Dropout(0.05)

    def forward(self, image):
        x = image / 127.5 - 1
        for layer in (self.stem, self.down, self.look1, self.lower1):
            x = layer(x).relu()
        x = (x + self.look2(x)).relu()
        x = self.lower2(x).relu()
        x = self.flatten(x).relu()
        for along, across in zip(self.along, self.across):
            x = (x + across(along(x).relu())).relu()
        return self.head(self.drop(x)).squeeze(2).transpose(1, 2).log_softmax(2)

    def go_on_from(self, tensors):
        """With folded weights, whose normalisation is to stay as it is: see `train`."""
        for name, layer in self.named_modules():
            if isinstance(layer, Conv):
                layer.conv.weight.data.copy_(tensors[f"{name}.weight"])
                layer.norm.bias.data.copy_(tensors[f"{name}.bias"])
                layer.norm.running_var.fill_(1 - layer.norm.eps)
        self.head.weight.data.copy_(tensors["head.weight"])
        self.head.bias.data.copy_(tensors["head.bias"])
        self.folded_already = True

    def train(self, mode=True):
        super().train(mode)
        for layer in self.modules():
            if isinstance(layer, nn.BatchNorm2d) and self.folded_already:
                layer.eval()
        return self

    def folded(self):
        """Name to tensor, as the description wants them."""
        tensors = {}
        for name, layer in self.named_modules():
            if isinstance(layer, Conv):
                tensors[f"{name}.weight"], tensors[f"{name}.bias"] = layer.folded()
        tensors["head.weight"], tensors["head.bias"] = self.head.weight, self.head.bias
        return {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
