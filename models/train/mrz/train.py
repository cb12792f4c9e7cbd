"""Trains a reader: `python train.py SHARDS HELD_OUT WORK STEPS [MINUTES] [START]`; `shards.py` fills the first two folders.

Machine-readable lines are of fixed pitch, so the network first learns frame by frame which letter lies there, and only
then by CTC. The batches depend on the seeds and on STEPS alone. MINUTES ends a run early; a run goes on from its last
checkpoint in WORK. START are exported weights: training goes on from them, by CTC alone, at a third of the rate, and sees
each line once. The held-out lines are of other seeds and are read to be printed; where they ended a run, models/README.md
says so. The result is the running average of the weights, which `export.py` folds and writes.
"""

import math
import pathlib
import sys
import time

import numpy
import torch
from safetensors.torch import load_file
from torch.nn import functional

import shards
from net import Reader

BATCH = 32
# Steps by frames, steps in which that fades into CTC.
BY_FRAME, FADING = 350, 150
# How often each shard is gone over, and how many shards are mixed with one another.
ROUNDS, POOL = 3, 40
PEAK_RATE, WARM_UP, WEIGHT_DECAY = 3e-3, 0.12, 1e-3
AVERAGE = 0.998


def schedule(steps: int, rounds: int):
    """Shard and half of it for every step: pool after pool, each gone over `rounds` times in another order."""
    rng = numpy.random.default_rng(4)
    pool = 0
    while True:
        for _ in range(rounds):
            halves = [(pool * POOL + n, half) for n in range(POOL) for half in range(2)]
            rng.shuffle(halves)
            for n, half in halves:
                yield int(n), int(half)
                steps -= 1
                if steps == 0:
                    return
        pool += 1


def batch(folder: pathlib.Path, seed: int, number: int, half: int):
    path = shards.path(folder, seed, number)
    while not path.exists():
        time.sleep(1)
    data = numpy.load(path)
    part = slice(half * BATCH, (half + 1) * BATCH)
    images = torch.from_numpy(data["images"][part]).float().unsqueeze(1).contiguous(memory_format=torch.channels_last)
    return images, torch.from_numpy(data["labels"][part]).long(), torch.from_numpy(data["centres"][part])


def by_frame(out, labels, centres):
    """Cross-entropy: a frame within 0.3 pitches of a centre is that letter, one further than 0.42 from all is blank."""
    frames = out.shape[1]
    places = (torch.arange(frames) + 0.5) / frames
    far = (places[None, :, None] - centres[:, None, :]).abs()
    nearest, which = far.min(2)
    count = (labels > 0).sum(1)
    last = centres.gather(1, (count - 1).clamp(min=0)[:, None])
    pitch = (last - centres[:, :1]) / (count - 1).clamp(min=1)[:, None]
    wanted = torch.gather(labels, 1, which)
    wanted = torch.where(nearest > 0.42 * pitch, 0, wanted)
    wanted = torch.where((nearest > 0.3 * pitch) & (nearest <= 0.42 * pitch), -100, wanted)
    return functional.nll_loss(out.reshape(-1, out.shape[2]), wanted.reshape(-1), ignore_index=-100)


def by_ctc(out, labels):
    lengths = torch.full((len(out),), out.shape[1], dtype=torch.long)
    targets = (labels > 0).sum(1)
    return functional.ctc_loss(out.transpose(0, 1), labels, lengths, targets, zero_infinity=True)


def rate(step: int, steps: int) -> float:
    """Up in a straight line, down along a cosine."""
    warm = WARM_UP * steps
    if step < warm:
        return PEAK_RATE * (0.04 + 0.96 * step / warm)
    return PEAK_RATE * max(0.003, 0.5 + 0.5 * math.cos(math.pi * (step - warm) / (steps - warm)))


def read(out) -> list[list[int]]:
    lines = []
    for best in out.argmax(2).tolist():
        lines.append([c for c, before in zip(best, [0] + best) if c != 0 and c != before])
    return lines


def held_out(net, folder: pathlib.Path) -> tuple[float, float]:
    """Share of lines that are read exactly, and of characters that differ (where the lengths agree) or are missing."""
    net.eval()
    exact = wrong = lines = letters = 0
    with torch.no_grad():
        for path in sorted(folder.glob("*.npz")):
            data = numpy.load(path)
            out = net(torch.from_numpy(data["images"]).float().unsqueeze(1))
            for said, seen in zip(data["labels"].tolist(), read(out)):
                said = [letter for letter in said if letter]
                exact += said == seen
                same = len(said) == len(seen)
                wrong += sum(a != b for a, b in zip(said, seen)) if same else max(len(said), len(seen)) // 2
                lines, letters = lines + 1, letters + len(said)
    net.train()
    return exact / lines, wrong / letters


def main() -> None:
    data, held, work = map(pathlib.Path, sys.argv[1:4])
    steps, minutes = int(sys.argv[4]), float(sys.argv[5]) if len(sys.argv) > 5 else 1e9
    work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    torch.set_num_threads(1)
    net, average = Reader(), Reader()
    net = net.to(memory_format=torch.channels_last)
    average.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    done, saved = 0, work / "checkpoint.pt"
    start = sys.argv[6] if len(sys.argv) > 6 else None
    if start:
        for part in (net, average):
            part.go_on_from(load_file(start))
    if saved.exists():
        state = torch.load(saved)
        done = state["done"]
        for part, name in ((net, "net"), (average, "average"), (optimiser, "optimiser")):
            part.load_state_dict(state[name])
    # The seed of the lines is in their files' names.
    while not (drawn := next(data.glob("*.npz"), None)):
        time.sleep(1)
    seed = int(drawn.name.split("-")[0])
    started, losses = time.monotonic(), []
    for step, (number, half) in enumerate(schedule(steps, 1 if start else ROUNDS)):
        if step < done:
            continue
        images, labels, centres = batch(data, seed, number, half)
        out = net(images)
        share = 1.0 if start else min(1.0, max(0.0, (step - BY_FRAME) / FADING))
        loss = 0
        if share < 1:
            loss = loss + (1 - share) * by_frame(out, labels, centres)
        if share > 0:
            loss = loss + share * by_ctc(out, labels)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        for group in optimiser.param_groups:
            group["lr"] = rate(step, steps) / (3 if start else 1)
        optimiser.step()
        with torch.no_grad():
            keep = min(AVERAGE, (1 + step) / (10 + step))
            for mean, now in zip(average.state_dict().values(), net.state_dict().values()):
                if mean.dtype.is_floating_point:
                    mean.mul_(keep).add_(now, alpha=1 - keep)
        losses.append(loss.item())
        late = time.monotonic() - started > 60 * minutes
        if (step + 1) % 25 == 0:
            print(f"{step + 1} {numpy.mean(losses[-25:]):.4f} {time.monotonic() - started:.0f} s", flush=True)
        if (step + 1) % 200 == 0 or late or step + 1 == steps:
            parts = {"net": net, "average": average, "optimiser": optimiser}
            torch.save({"done": step + 1} | {name: part.state_dict() for name, part in parts.items()}, saved)
            exact, wrong = held_out(average, held)
            print(f"{step + 1} held out: {100 * exact:.1f} % exact, {100 * wrong:.2f} % wrong", flush=True)
        if late:
            break


if __name__ == "__main__":
    main()
