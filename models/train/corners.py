"""Trains the net that finds a document in a photo: where it covers the photo, and where its corners are.

Photos come from `cargo run --example specimen -- small --split train` (and `--split tune` for the figures printed on the
way; nothing is chosen by them). Everything is seeded; the clock alone ends the training. The layers are those of
src/vision/nets/corners.rs, with batch normalisation that is folded into the convolutions at the end.

    python corners.py --train DIR [DIR ...] --tune DIR --minutes 45 --out corners.safetensors
"""

import argparse
import json
import math
import pathlib
import time

import cv2
import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn
from torch.nn import functional as F

WIDE, HIGH, STRIDE = 256, 192, 4
BATCH = 16


class Block(nn.Module):
    """Convolution, normalisation, ReLU; with a shortcut where the shape stays."""

    def __init__(self, inputs, outputs, stride=1, shortcut=False, kernel=3, pad=None):
        super().__init__()
        pad = kernel // 2 if pad is None else pad
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, pad, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.shortcut = shortcut

    def forward(self, x):
        y = self.norm(self.conv(x))
        return F.relu(x + y if self.shortcut else y)

    def folded(self):
        scale = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        bias = self.norm.bias - self.norm.running_mean * scale
        return self.conv.weight * scale[:, None, None, None], bias


class Corners(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = Block(3, 16, 2)
        self.down1 = Block(16, 32, 2)
        self.down2, self.keep2 = Block(32, 64, 2), Block(64, 64, shortcut=True)
        self.down3, self.keep3 = Block(64, 96, 2), Block(96, 96, shortcut=True)
        self.down4, self.keep4 = Block(96, 96, 2), Block(96, 96, shortcut=True)
        self.wide4 = Block(96, 96, shortcut=True)
        self.side4, self.side3 = Block(96, 48, kernel=1), Block(96, 48, kernel=1)
        self.side2, self.side1 = Block(64, 48, kernel=1), Block(32, 32, kernel=1)
        self.join3, self.join2 = Block(48, 48), Block(48, 32)
        self.join1 = Block(32, 32)
        self.head = nn.Conv2d(32, 2, 1)
        nn.init.constant_(self.head.bias, -2.0)

    def forward(self, x):
        at1 = self.down1(self.stem(x))
        at2 = self.keep2(self.down2(at1))
        at3 = self.keep3(self.down3(at2))
        at4 = self.wide4(self.keep4(self.down4(at3)))
        up = lambda value: F.interpolate(value, scale_factor=2, mode="nearest")
        x = self.join3(up(self.side4(at4)) + self.side3(at3))
        x = self.join2(up(x) + self.side2(at2))
        x = self.join1(up(x) + self.side1(at1))
        return self.head(x)


def load(folders):
    """Pictures as landscape, and corners (or none), in the net's pixels."""
    pictures, corners = [], []
    for folder in map(pathlib.Path, folders):
        for photo in json.loads((folder / "truth.json").read_text())["photos"]:
            picture = cv2.cvtColor(cv2.imread(str(folder / photo["file"])), cv2.COLOR_BGR2RGB)
            quad = photo["corners"] and np.float32(photo["corners"])
            if picture.shape[0] > picture.shape[1]:
                if quad is not None:
                    quad = np.stack([quad[:, 1], picture.shape[1] - quad[:, 0]], 1)
                picture = cv2.rotate(picture, cv2.ROTATE_90_COUNTERCLOCKWISE)
            if quad is not None:
                quad = quad * np.float32([WIDE / picture.shape[1], HIGH / picture.shape[0]])
            pictures.append(cv2.resize(picture, (WIDE, HIGH), interpolation=cv2.INTER_AREA))
            corners.append(quad)
    return pictures, corners


def pattern(dice):
    """A loud ground of no kind that the specimens have: mosaic, blotches, splinters, hatching or wallpaper."""
    kind, colours = dice.choice(5, p=[0.15, 0.15, 0.15, 0.15, 0.4]), dice.integers(0, 256, (2, 3)).astype(np.float32)
    if kind == 0:
        blocks = dice.integers(0, 256, (dice.integers(3, 40), dice.integers(4, 50), 3)).astype(np.uint8)
        how = cv2.INTER_NEAREST if dice.random() < 0.6 else cv2.INTER_CUBIC
        ground = cv2.resize(blocks, (WIDE, HIGH), interpolation=how)
    elif kind == 1:
        noise = dice.random((dice.integers(8, 60), dice.integers(8, 80))).astype(np.float32)
        noise = cv2.resize(noise, (WIDE, HIGH), interpolation=cv2.INTER_CUBIC)
        share = np.clip((noise - 0.5) * dice.uniform(2, 20) + 0.5, 0, 1)[..., None]
        ground = (colours[0] * share + colours[1] * (1 - share)).astype(np.uint8)
    elif kind == 4:
        cells = dice.integers(0, 256, (dice.integers(2, 6), dice.integers(2, 6), 3)).astype(np.uint8)
        if dice.random() < 0.5:
            cells[dice.random(cells.shape[:2]) < 0.6] = cells[0, 0]
        how = cv2.INTER_NEAREST if dice.random() < 0.5 else cv2.INTER_CUBIC
        size = dice.uniform(4, 40)
        cells = cv2.resize(cells, (max(2, int(size)), max(2, int(size * dice.uniform(0.6, 1.6)))), interpolation=how)
        turn = cv2.getRotationMatrix2D((WIDE / 2, HIGH / 2), dice.uniform(-45, 45), dice.uniform(0.8, 1.2))
        wall = np.tile(cells, (2 * HIGH // cells.shape[0] + 1, 2 * WIDE // cells.shape[1] + 1, 1))[:384, :512]
        turn[:, 2] -= [WIDE / 2, HIGH / 2]
        ground = cv2.warpAffine(wall, turn, (WIDE, HIGH), borderMode=cv2.BORDER_REFLECT)
    else:
        ground = np.tile(colours[0].astype(np.uint8), (HIGH, WIDE, 1))
        main = dice.uniform(0, math.pi, 2)
        for _ in range(dice.integers(30, 160)):
            at = dice.uniform([0, 0], [WIDE, HIGH])
            colour = tuple(map(int, dice.integers(0, 256, 3)))
            if kind == 2:
                corners = at + dice.uniform(-60, 60, (3, 2)) * dice.random()
                cv2.fillConvexPoly(ground, corners.astype(np.int32), colour, cv2.LINE_AA)
            else:
                angle = main[dice.integers(2)] + dice.normal(0, 0.1)
                end = at + dice.uniform(20, 150) * np.array([math.cos(angle), math.sin(angle)])
                ends = [tuple(map(int, point)) for point in (at, end)]
                cv2.line(ground, *ends, colour, int(dice.integers(1, 4)), cv2.LINE_AA)
    if dice.random() < 0.5:
        grey = ground.mean(2, keepdims=True)
        ground = (grey + (ground - grey) * dice.uniform(0, 0.5)).astype(np.uint8)
    return ground


def altered(picture, quad, dice):
    """Turned, mirrored, moved, zoomed and recoloured."""
    zoom = dice.uniform(0.8, 1.25)
    centre = np.float32([WIDE / 2, HIGH / 2])
    if quad is not None and dice.random() < 0.3:
        # As seen a second time, cut out around the document.
        low, high = quad.min(0), quad.max(0)
        zoom = dice.uniform(0.7, 0.95) * min(WIDE / (high[0] - low[0]), HIGH / (high[1] - low[1]))
        centre = (low + high) / 2 + dice.uniform(-0.05, 0.05, 2) * (high - low)
    angle = dice.uniform(-0.25, 0.25) + (math.pi if dice.random() < 0.5 else 0.0)
    turn = zoom * np.float32([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    if dice.random() < 0.5:
        turn[:, 0] *= -1
    shift = np.float32([WIDE / 2, HIGH / 2]) - turn @ centre + dice.uniform(-0.06, 0.06, 2) * [WIDE, HIGH]
    # OpenCV's whole numbers are pixels' middles, the truth's are their edges.
    half = np.float32([0.5, 0.5])
    matrix = np.hstack([turn, (turn @ half + shift - half)[:, None]]).astype(np.float32)
    border = cv2.BORDER_REFLECT_101 if quad is None else cv2.BORDER_REPLICATE
    picture = cv2.warpAffine(picture, matrix, (WIDE, HIGH), flags=cv2.INTER_LINEAR, borderMode=border)
    if quad is not None:
        quad = quad @ turn.T + shift
        if dice.random() < 0.35:
            inside = np.zeros((HIGH, WIDE), np.uint8)
            cv2.fillPoly(inside, [np.round((quad - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
            inside = cv2.GaussianBlur(inside, (0, 0), 0.6)[..., None] / np.float32(255)
            picture = (picture * inside + pattern(dice) * (1 - inside)).astype(np.uint8)
    if dice.random() < 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), dice.uniform(0.4, 1.2))
    x = picture.astype(np.float32) / 255
    if dice.random() < 0.15:
        x = np.repeat(x.mean(2, keepdims=True), 3, 2)
    x = np.clip(x, 0, 1) ** dice.uniform(0.7, 1.4)
    x = x * dice.uniform(0.85, 1.15, 3).astype(np.float32) * dice.uniform(0.75, 1.15)
    x += dice.normal(0, dice.uniform(0, 0.03), x.shape).astype(np.float32)
    return np.clip(x, 0, 1), quad


def targets(quad):
    """How much of each cell the document covers, and a bell around each corner."""
    rows, columns = HIGH // STRIDE, WIDE // STRIDE
    if quad is None:
        return np.zeros((2, rows, columns), np.float32)
    mask = np.zeros((HIGH, WIDE), np.uint8)
    cv2.fillPoly(mask, [np.round((quad - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    mask = cv2.resize(mask, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    x = np.arange(columns, dtype=np.float32)[None] + 0.5
    y = np.arange(rows, dtype=np.float32)[:, None] + 0.5
    bells = [np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * 1.3**2)) for cx, cy in quad / STRIDE]
    return np.stack([mask, np.max(bells, 0)])


def batch(pictures, corners, dice, indices):
    made = [altered(pictures[i], corners[i], dice) for i in indices]
    x = np.stack([picture.transpose(2, 0, 1) for picture, _ in made])
    return torch.from_numpy(x * 2 - 1), torch.from_numpy(np.stack([targets(quad) for _, quad in made]))


def loss_of(output, wanted):
    mask, bells = output[:, 0], output[:, 1]
    mask_wanted, bells_wanted = wanted[:, 0], wanted[:, 1]
    cross = F.binary_cross_entropy_with_logits(mask, mask_wanted)
    sure = torch.sigmoid(mask)
    shared = (sure * mask_wanted).sum((1, 2))
    overlap = 1 - (2 * shared + 20) / (sure.sum((1, 2)) + mask_wanted.sum((1, 2)) + 20)
    weight = 1 + 15 * bells_wanted
    peaks = (F.binary_cross_entropy_with_logits(bells, bells_wanted, reduction="none") * weight).mean()
    return cross + 0.5 * overlap.mean() + 2 * peaks


def measure(net, pictures, corners):
    """Mean overlap of the masks, and how many cells off the nearest peak is, on photos left as they are."""
    net.eval()
    overlaps, apart = [], []
    with torch.no_grad():
        for start in range(0, len(pictures), BATCH):
            x = np.stack(pictures[start : start + BATCH]).transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
            output = torch.sigmoid(net(torch.from_numpy(x))).numpy()
            for (mask, bells), quad in zip(output, corners[start : start + BATCH]):
                wanted = targets(quad)[0]
                if quad is None:
                    continue
                overlaps.append(np.minimum(mask, wanted).sum() / np.maximum(mask, wanted).sum())
                for cx, cy in quad / STRIDE:
                    left, top = max(int(cx) - 4, 0), max(int(cy) - 4, 0)
                    part = bells[top : top + 9, left : left + 9] ** 2
                    if part.size and 0 <= cx < WIDE / STRIDE and 0 <= cy < HIGH / STRIDE:
                        ys, xs = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]] + 0.5
                        total = part.sum() + 1e-9
                        apart.append(math.hypot((xs * part).sum() / total - cx, (ys * part).sum() / total - cy))
    net.train()
    return np.mean(overlaps), np.median(apart), np.percentile(apart, 95)


def export(net, path):
    tensors = {}
    for name, part in net.named_children():
        if isinstance(part, nn.Dropout):
            continue
        weight, bias = part.folded() if isinstance(part, Block) else (part.weight, part.bias)
        # In the order of their axes: in training channels lie last.
        tensors[f"{name}.weight"] = np.ascontiguousarray(weight.detach().numpy(), np.float32)
        tensors[f"{name}.bias"] = np.ascontiguousarray(bias.detach().numpy(), np.float32)
    save_file(tensors, path)


def by_the_clock(net, given, loss, show, peak, warm, decay):
    """Trains until the minutes are over. `loss` draws a batch and tells the net's loss on it, `show` what the tuning set says."""
    print(f"{sum(p.numel() for p in net.parameters())} parameters", flush=True)
    optimiser = torch.optim.AdamW(net.parameters(), lr=peak, weight_decay=decay)
    begun, step, shown, running = time.monotonic(), 0, 0.0, None
    while (share := (time.monotonic() - begun) / (given.minutes * 60)) < 1:
        rate = peak * min(1.0, step / warm) * (0.5 + 0.5 * math.cos(math.pi * share)) + 1e-5
        optimiser.param_groups[0]["lr"] = rate
        lost = loss()
        optimiser.zero_grad(set_to_none=True)
        lost.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        step += 1
        running = lost.item() if running is None else 0.97 * running + 0.03 * lost.item()
        if share > shown:
            shown += 1 / 15
            print(f"{share:.2f} step {step} loss {running:.4f}; tuning: {show(False)}", flush=True)
            net.eval()
            export(net, given.out)
            net.train()
    print(f"{step} steps; all of tuning: {show(True)}")
    net.eval()
    export(net, given.out)


def arguments():
    """The command line, and everything that is drawn at random seeded by it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", nargs="+", required=True)
    parser.add_argument("--tune", required=True)
    parser.add_argument("--minutes", type=float, default=45)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(given.seed)
    return given, np.random.default_rng(given.seed)


def main():
    given, dice = arguments()
    pictures, corners = load(given.train)
    tuning = load([given.tune])
    net = Corners().to(memory_format=torch.channels_last)

    def loss():
        x, wanted = batch(pictures, corners, dice, dice.integers(0, len(pictures), BATCH))
        return loss_of(net(x.to(memory_format=torch.channels_last)), wanted)

    def show(all_of_them):
        overlap, middle, worst = measure(net, *(tuning if all_of_them else (part[:96] for part in tuning)))
        return f"overlap {overlap:.4f}, corners {middle:.2f} cells off, 95 % within {worst:.2f}"

    print(f"{len(pictures)} photos")
    by_the_clock(net, given, loss, show, peak=3e-3, warm=60, decay=1e-4)


if __name__ == "__main__":
    main()
