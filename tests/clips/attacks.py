"""Makes clips of photos that are held before a camera, with labels for `twoface evaluate clips`: prints and screens, whole and so
close that no edge shows. Simulated: nothing was printed, shown or filmed.

    python3 attacks.py PHOTOS OUT [COUNT]      # needs Pillow and NumPy; COUNT photos of each kind, the same ones each time
"""

import io
import math
import random
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

FRAME = (640, 480)
FRAMES, A_SECOND = 60, 25
KINDS = {"print": (True, 205), "screen": (True, 205), "print close": (False, 420), "screen close": (False, 420)}


def printed(photo: Image.Image, has_edge: bool) -> Image.Image:
    """Paler, softer, on white paper."""
    photo = photo.resize((420, 420), Image.LANCZOS)
    photo = ImageEnhance.Contrast(ImageEnhance.Color(photo).enhance(0.75)).enhance(0.85)
    photo = photo.filter(ImageFilter.GaussianBlur(0.8))
    if not has_edge:
        return photo
    paper = Image.new("RGB", (480, 480), (236, 234, 228))
    paper.paste(photo, (30, 30))
    return paper


def displayed(photo: Image.Image, has_edge: bool) -> Image.Image:
    """Every pixel a stripe each of red, green and blue, with dark lines between the rows, in a black bezel."""
    pixels = np.asarray(photo.resize((840, 840), Image.NEAREST)).astype(float)
    places = np.arange(840)
    for colour in range(3):
        pixels[:, :, colour] *= np.where(places % 3 == colour, 1.25, 0.75)[None, :]
    pixels *= np.where(places % 4 == 0, 0.8, 1.05)[:, None, None]
    picture = Image.fromarray(np.clip(pixels * 1.1 + 6, 0, 255).astype("uint8"))
    if not has_edge:
        return picture
    screen = Image.new("RGB", (920, 920), (12, 12, 14))
    screen.paste(picture, (40, 40))
    return screen


def perspective(to: list, size: tuple) -> np.ndarray:
    """The coefficients that show a rectangle of that size in the four points."""
    corners = [(0, 0), (size[0], 0), size, (0, size[1])]
    rows, values = [], []
    for (x, y), (u, v) in zip(to, corners):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.linalg.solve(np.array(rows, float), np.array(values, float))


def held(surface: Image.Image, scale: float, dice: random.Random) -> bytes:
    """Motion JPEG of the surface in an unsteady hand that turns it a little."""
    begin = [dice.random() * 2 * math.pi for _ in range(6)]
    wall = Image.blend(Image.effect_noise(FRAME, 18).convert("RGB"), Image.new("RGB", FRAME, (118, 108, 96)), 0.8)
    clip = io.BytesIO()
    for number in range(FRAMES):
        at = number / A_SECOND
        wave = lambda size, speed, which: size * math.sin(speed * at + begin[which])
        x0, y0, size = 320 + wave(14, 1.3, 0), 240 + wave(10, 1.7, 1), scale * (1 + wave(0.04, 0.9, 2))
        yaw, pitch, roll = wave(0.16, 1.1, 3), wave(0.10, 1.5, 4), wave(0.05, 0.8, 5)
        points = []
        for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
            x, y = u * math.cos(roll) - v * math.sin(roll), u * math.sin(roll) + v * math.cos(roll)
            depth = 1 + 0.35 * (x * math.sin(yaw) + y * math.sin(pitch))
            points.append((x0 + size * x * math.cos(yaw) / depth, y0 + size * y * math.cos(pitch) / depth))
        turn = (FRAME, Image.PERSPECTIVE, perspective(points, surface.size))
        mask = Image.new("L", surface.size, 255).transform(*turn, Image.BILINEAR)
        frame = wall.copy()
        frame.paste(surface.transform(*turn, Image.BICUBIC), (0, 0), mask)
        frame.filter(ImageFilter.GaussianBlur(0.6)).save(clip, "JPEG", quality=88)
    return clip.getvalue()


def main(photos: Path, out: Path, count: int) -> None:
    (out / "clips").mkdir(parents=True, exist_ok=True)
    dice = random.Random(11)
    chosen = sorted(path for path in photos.iterdir() if path.is_file())
    dice.shuffle(chosen)
    labels = ["file,blinks,smile,liveness"]
    for kind, (has_edge, scale) in KINDS.items():
        for number, path in enumerate(chosen[:count]):
            make = printed if kind.startswith("print") else displayed
            name = f"{kind.replace(' ', '_')}_{number:02}.mjpeg"
            surface = make(Image.open(path).convert("RGB"), has_edge)
            (out / "clips" / name).write_bytes(held(surface, scale, dice))
            labels.append(f"{name},0,,{kind} (simulated)")
    (out / "labels.csv").write_text("\n".join(labels) + "\n")
    (out / "events.csv").write_text("file,start_s,end_s,label\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 30)
