"""Draws the training lines ahead of their use: `python shards.py FOLDER FIRST COUNT [SEED] [KIND]`.

Shard number n holds 64 lines that depend on the seed, the kind and n alone. Kinds: `zone` for lines of machine-readable
zones, `far` for those with more photos from too far away, `number` for printed numbers of cédulas. A shard is written
whole or not at all, so that the trainer may run beside this.
"""

import os
import pathlib
import sys

import numpy

import draw
import numbers_printed as numbers
import text

LINES = 64
TRAINING_SEED = 20_261
HELD_OUT_SEED = 77_003
# Photos from too far away among the lines of a zone.
FAR = {"zone": 0.0, "far": 0.9}
# Of a printed number, with its dashes.
NUMBER = 13


def shard(seed: int, number: int, kind: str) -> dict[str, numpy.ndarray]:
    """Lines of one length at one width, so that they make batches without padding."""
    rng = numpy.random.default_rng([seed, number])
    return _of_numbers(rng) if kind == "number" else _of_zones(rng, FAR[kind])


def _of_zones(rng, far: float) -> dict[str, numpy.ndarray]:
    kind = rng.random()
    length = 44 if kind < 0.45 else 30 if kind < 0.75 else 36 if kind < 0.92 else int(rng.integers(8, 44))
    pitch = float(numpy.exp(rng.uniform(numpy.log(9.3), numpy.log(18))))
    width = min(800, max(96, int(length * pitch / 4) * 4))

    def line():
        said = text.line(rng, length)
        above, below = (text.line(rng, length) if rng.random() < 0.6 else "" for _ in range(2))
        return said, draw.photograph(rng, above, said, below, far)

    return _filled(rng, line, width, length)


def _of_numbers(rng) -> dict[str, numpy.ndarray]:
    width = 4 * int(rng.integers(50, 84))

    def line():
        said = numbers.text(rng)
        return said, numbers.picture(rng, said)

    return _filled(rng, line, width, NUMBER)


def _filled(rng, line, width: int, length: int) -> dict[str, numpy.ndarray]:
    """Labels of fewer symbols end with blanks; where nothing is said no centre is near."""
    images, labels, centres = [], [], []
    while len(images) < LINES:
        said, picture = line()
        if min(picture.grey.shape) < 4 or not (0 <= picture.centres.min() and picture.centres.max() <= 1):
            continue
        images.append(draw.prepare(picture.grey, width, rng.random() < 0.7))
        blanks = length - len(said)
        labels.append([text.ALPHABET.index(letter) + 1 for letter in said] + [0] * blanks)
        centres.append(numpy.append(picture.centres[:len(said)], numpy.full(blanks, -9.0)))
    return {"images": numpy.stack(images), "labels": numpy.array(labels, numpy.uint8),
            "centres": numpy.array(centres, numpy.float32)}


def path(folder: pathlib.Path, seed: int, number: int) -> pathlib.Path:
    return folder / f"{seed}-{number:06}.npz"


def main() -> None:
    folder, first, count = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else TRAINING_SEED
    kind = sys.argv[5] if len(sys.argv) > 5 else "zone"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        target = path(folder, seed, number)
        if not target.exists():
            partial = target.with_suffix(".tmp.npz")
            numpy.savez(partial, **shard(seed, number, kind))
            os.replace(partial, target)


if __name__ == "__main__":
    import cv2
    cv2.setNumThreads(1)
    main()
