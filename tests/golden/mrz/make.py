"""Draws the lines in this folder: `python make.py`, with the packages of models/train/mrz/requirements.txt.

The zones of a made-up passport and a made-up card, as the training pictures are drawn, with seeds that no training has.
"""

import csv
import pathlib
import sys

import cv2
import numpy

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent.parent / "models" / "train" / "mrz"))
import draw  # noqa: E402

# The first from 9303 on at which all five are read: they check the way to the network, not how good it is.
SEED = 9_349

ZONES = {
    "passport": ["PPDOMNUNEZ<DE<LA<CRUZ<<MARIA<ALTAGRACIA<<<<<", "RD12345676DOM9005178F3605174<<<<<<<<<<<<<<06"],
    "card": ["IDDOMA12345678<97<40200571939<", "9005178F3605174DOM<<<<<<<<<<<0", "NUNEZ<DE<LA<CRUZ<<MARIA<ALTAGR"],
}


def main() -> None:
    with (HERE / "lines.csv").open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["file", "text"])
        for zone, lines in ZONES.items():
            for number, line in enumerate(lines):
                above = lines[number - 1] if number else ""
                below = lines[number + 1] if number + 1 < len(lines) else ""
                picture = draw.photograph(numpy.random.default_rng([SEED, len(lines), number]), above, line, below)
                name = f"{zone}_{number + 1}.png"
                cv2.imwrite(str(HERE / name), picture.grey)
                rows.writerow([name, line])


if __name__ == "__main__":
    main()
