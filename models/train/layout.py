"""Trains the net that tells a document by its layout: which of five sides a picture shows upright, or none of them.

Drawings come from `cargo run --example specimen -- flat --split train --neither N` (and `--split tune` for the figures
printed on the way; nothing is chosen by them). They are seen here as a document laid flat from a photo is: a little out
of its edges, blurred, unevenly lit. The clock alone ends the training. The layers are those of src/vision/nets/layout.rs,
with batch normalisation that is folded into the convolutions at the end.

    python layout.py --train DIR [DIR ...] --tune DIR --minutes 30 --out layout.safetensors
"""

import json
import pathlib

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from corners import Block, arguments, by_the_clock, pattern

WIDE, HIGH = 192, 128
BATCH = 32
# Drawings are kept at twice the net's size.
KEPT = (2 * WIDE, 2 * HIGH)
NOTHING = 0
KINDS = ["nothing", "CEDULA 2014 FRONT", "CEDULA 2014 BACK", "CEDULA 2026 FRONT", "CEDULA 2026 BACK", "PASSPORT passport FRONT"]


class Layout(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = Block(3, 16, 2)
        self.down1 = Block(16, 32, 2)
        self.down2, self.keep2 = Block(32, 64, 2), Block(64, 64, shortcut=True)
        self.down3, self.keep3 = Block(64, 96, 2), Block(96, 96, shortcut=True)
        self.down4 = Block(96, 64, 2)
        self.whole = Block(64, 96, kernel=(HIGH // 32, WIDE // 32), pad=0)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Conv2d(96, len(KINDS), 1)

    def forward(self, x):
        x = self.keep2(self.down2(self.down1(self.stem(x))))
        x = self.down4(self.keep3(self.down3(x)))
        return self.head(self.drop(self.whole(x))).flatten(1)


def load(folders):
    pictures, kinds = [], []
    for folder in map(pathlib.Path, folders):
        for drawn in json.loads((folder / "truth.json").read_text())["photos"]:
            picture = cv2.cvtColor(cv2.imread(str(folder / drawn["file"])), cv2.COLOR_BGR2RGB)
            if picture.shape[0] > picture.shape[1]:
                picture = cv2.rotate(picture, cv2.ROTATE_90_CLOCKWISE)
            pictures.append(cv2.resize(picture, KEPT, interpolation=cv2.INTER_AREA))
            kind = f"{drawn['class']} {drawn['model']} {drawn['side']}"
            kinds.append(KINDS.index(kind) if kind in KINDS else NOTHING)
    return pictures, np.array(kinds)


def other(pictures, dice):
    """What looks like a document and is none: turned wrongly, mirrored, put together of two, a part of one, or a ground."""
    picture = pictures[dice.integers(len(pictures))]
    kind = dice.choice(6, p=[0.35, 0.1, 0.25, 0.1, 0.1, 0.1])
    if kind == 0:
        return cv2.rotate(picture, cv2.ROTATE_180)
    if kind == 1:
        return cv2.resize(cv2.rotate(picture, int(dice.choice([0, 2]))), KEPT)
    if kind == 2:
        # Halves of two kinds, or one's halves exchanged.
        second = pictures[dice.integers(len(pictures))]
        at = int(dice.uniform(0.35, 0.65) * KEPT[0])
        if dice.random() < 0.5:
            return np.concatenate([picture[:, at:], second[:, :at]], 1)
        at = int(dice.uniform(0.35, 0.65) * KEPT[1])
        return np.concatenate([picture[at:], second[:at]], 0)
    if kind == 3:
        return picture[:, ::-1]
    if kind == 4:
        wide, high = (int(side * dice.uniform(0.3, 0.7)) for side in KEPT)
        x, y = dice.integers(KEPT[0] - wide), dice.integers(KEPT[1] - high)
        return cv2.resize(picture[y : y + high, x : x + wide], KEPT)
    return cv2.resize(pattern(dice), KEPT)


def laid_flat(picture, dice):
    """As it comes from a photo: edges found not quite, few pixels, blur, light, noise, JPEG."""
    corners = np.float32([[0, 0], [1, 0], [1, 1], [0, 1]])
    off = np.clip(dice.normal(0, dice.uniform(0.002, 0.035), (4, 2)), -0.08, 0.08)
    seen = (corners + off).astype(np.float32) * np.float32(KEPT)
    matrix = cv2.getPerspectiveTransform(seen, corners * np.float32([WIDE, HIGH]))
    if dice.random() < 0.5:
        # The border of a photo is the ground around the document.
        value = tuple(int(v) for v in dice.integers(0, 256, 3))
        small = cv2.warpPerspective(picture, matrix, (WIDE, HIGH), flags=cv2.INTER_AREA, borderValue=value)
    else:
        small = cv2.warpPerspective(picture, matrix, (WIDE, HIGH), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
    small = cv2.GaussianBlur(small, (0, 0), dice.uniform(0.3, 1.0)) if dice.random() < 0.3 else small
    if dice.random() < 0.7:
        # Foreshortened one way more than the other.
        small = cv2.GaussianBlur(small, (0, 0), dice.uniform(0.2, 1.3), sigmaY=dice.uniform(0.2, 1.3))
    x = small.astype(np.float32) / 255
    across, down = np.linspace(-1, 1, WIDE, dtype=np.float32)[None], np.linspace(-1, 1, HIGH, dtype=np.float32)[:, None]
    x = x * (1 + dice.uniform(-0.35, 0.35) * across + dice.uniform(-0.35, 0.35) * down)[..., None]
    if dice.random() < 0.4:
        edge = across * dice.uniform(-1, 1) + down * dice.uniform(-1, 1) - dice.uniform(-0.7, 0.7)
        x = x * (1 - dice.uniform(0.1, 0.6) / (1 + np.exp(-np.clip(edge * dice.uniform(3, 60), -30, 30))))[..., None]
    for _ in range(dice.integers(0, 3)):
        spot = ((across - dice.uniform(-1, 1)) / dice.uniform(0.05, 0.5)) ** 2
        spot = spot + ((down - dice.uniform(-1, 1)) / dice.uniform(0.05, 0.5)) ** 2
        x = x + dice.uniform(0.1, 0.6) * np.exp(-spot)[..., None]
    if dice.random() < 0.1:
        # A finger, a stamp, a sticker.
        box = dice.uniform(0, 1, 2) * [WIDE, HIGH]
        axes = tuple(int(v) for v in dice.uniform(5, 28, 2))
        cv2.ellipse(x, tuple(map(int, box)), axes, dice.uniform(0, 180), 0, 360, dice.uniform(0, 1, 3).tolist(), -1)
    if dice.random() < 0.15:
        x = np.repeat(x.mean(2, keepdims=True), 3, 2)
    x = np.clip(x, 0, 1) ** dice.uniform(0.6, 1.5) * dice.uniform(0.8, 1.2, 3).astype(np.float32) * dice.uniform(0.6, 1.15)
    x = x + dice.normal(0, dice.uniform(0, 0.03), x.shape).astype(np.float32)
    x = (np.clip(x, 0, 1) * 255).astype(np.uint8)
    if dice.random() < 0.5:
        x = cv2.imdecode(cv2.imencode(".jpg", x, [cv2.IMWRITE_JPEG_QUALITY, int(dice.integers(20, 95))])[1], cv2.IMREAD_COLOR)
    return x


def batch(pictures, kinds, dice, count):
    seen, wanted = [], []
    for _ in range(count):
        if dice.random() < 0.3:
            picture, kind = other(pictures, dice), NOTHING
        else:
            at = dice.integers(len(pictures))
            picture, kind = pictures[at], kinds[at]
        seen.append(laid_flat(np.ascontiguousarray(picture), dice))
        wanted.append(kind)
    x = torch.from_numpy(np.stack(seen).transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1)
    return x, torch.from_numpy(np.array(wanted)).long()


def measure(net, pictures, kinds, count):
    """Of drawings seen with dice of their own: right among all, documents missed, documents where there is none."""
    net.eval()
    dice = np.random.default_rng(77)
    right, missed, taken, documents = 0, 0, 0, 0
    with torch.no_grad():
        for _ in range(0, count, BATCH):
            x, wanted = batch(pictures, kinds, dice, BATCH)
            chances = net(x).softmax(1)
            said = chances.argmax(1)
            right += (said == wanted).sum().item()
            missed += ((said == NOTHING) & (wanted != NOTHING)).sum().item()
            taken += ((chances[:, NOTHING] < 0.1) & (wanted == NOTHING)).sum().item()
            documents += (wanted != NOTHING).sum().item()
    net.train()
    return right / count, missed / max(1, documents), taken / max(1, count - documents)


def main():
    given, dice = arguments()
    pictures, kinds = load(given.train)
    tuning = load([given.tune])
    net = Layout().to(memory_format=torch.channels_last)

    def loss():
        x, wanted = batch(pictures, kinds, dice, BATCH)
        return F.cross_entropy(net(x.to(memory_format=torch.channels_last)), wanted, label_smoothing=0.02)

    def show(all_of_them):
        right, missed, taken = measure(net, *tuning, 2048 if all_of_them else 256)
        return f"{right:.4f} right, {missed:.4f} missed, {taken:.4f} taken"

    print(f"{len(pictures)} drawings")
    by_the_clock(net, given, loss, show, peak=2e-3, warm=100, decay=1e-3)


if __name__ == "__main__":
    main()
