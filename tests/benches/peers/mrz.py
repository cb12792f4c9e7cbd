#!/usr/bin/env python3
"""Our readers of machine-readable lines and Debian's tesseract on the same pictures, in one sitting.

    python3 tests/benches/peers/mrz.py LINES.csv IMAGES [BINARY]

Needs tesseract-ocr and tesseract-ocr-eng. Tesseract gets the symbols of a zone as its whitelist, and is told that the
picture is one line (page segmentation 7), and in a second row that it need not look for the line (13). Debian ships no
data for OCR-B. BINARY is the program of ours, target/debug/twoface unless it is named.
"""

import csv
import json
import os
import pathlib
import subprocess
import sys
import time

SYMBOLS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<"


def distance(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def tesseract(picture: pathlib.Path, segmentation: str) -> str:
    command = ["tesseract", str(picture), "-", "-l", "eng", "--psm", segmentation]
    command += ["-c", f"tessedit_char_whitelist={SYMBOLS}", "-c", "load_system_dawg=0", "-c", "load_freq_dawg=0"]
    said = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_THREAD_LIMIT": "1"}, check=True)
    return "".join(said.stdout.split())


def row(name: str, truths: list[str], read: list[str], seconds: float) -> None:
    exact = sum(a == b for a, b in zip(truths, read)) / len(truths)
    wrong = sum(distance(a, b) for a, b in zip(truths, read)) / sum(map(len, truths))
    print(f"{name:<42} {100 * exact:6.2f} % {100 * wrong:10.2f} % {1000 * seconds / len(truths):10.1f}", flush=True)


def main() -> None:
    lines, images = map(pathlib.Path, sys.argv[1:3])
    binary = sys.argv[3] if len(sys.argv) > 3 else "target/debug/twoface"
    with lines.open(newline="") as file:
        listed = list(csv.DictReader(file))
    truths = [entry["text"] for entry in listed]
    print(f"{len(truths)} lines{'':<36} exact   symbols wrong    ms a line")
    command = [binary, "evaluate", "mrz-lines", "--lines", str(lines), "--images", str(images), "--json"]
    ours = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    for name, key in (("ours", "mrz_reader"), ("PP-OCRv6 small, a zone's symbols only", "text_reader")):
        row(name, truths, ours[key]["read"], ours[key]["milliseconds"] / 1000)
    version = subprocess.run(["tesseract", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    for segmentation in ("7", "13"):
        started = time.monotonic()
        read = [tesseract(images / entry["file"], segmentation) for entry in listed]
        row(f"tesseract {version} eng, --psm {segmentation}", truths, read, time.monotonic() - started)


if __name__ == "__main__":
    main()
