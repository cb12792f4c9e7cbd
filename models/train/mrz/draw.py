"""Lines of OCR-B as a camera or a scanner would show them: `photograph` draws one, `prepare` makes the network's input.

Every property is drawn at random from ranges of what documents and cameras do: print (thin, thick, broken, uneven),
paper (tinted, patterned, stained), light (shadow, glare), lens and sensor (blur, motion, noise, few pixels), files (JPEG,
one bit per pixel), and the crop (askew, too wide, too tight, with parts of the lines above and below).
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy
from PIL import Image, ImageDraw, ImageFont

FONTS = "/usr/share/fonts/opentype/ocr-b"
HEIGHT = 32
# The font's advance and the height of its capitals, as shares of the nominal size.
ADVANCE, CAPITAL, TOP = 34.703 / 48, 35 / 48, 12 / 48


@dataclass
class Picture:
    grey: numpy.ndarray
    """Where each character's centre is, as a share of the width."""
    centres: numpy.ndarray


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(f"{FONTS}/{name}.otf", size)


def _between(rng, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def _log_between(rng, low: float, high: float) -> float:
    return float(numpy.exp(rng.uniform(numpy.log(low), numpy.log(high))))


def _cloud(rng, shape, cells: float) -> numpy.ndarray:
    """Smooth noise of unit deviation, about `cells` bumps along the height."""
    high, wide = shape
    small = (max(2, int(cells)), max(2, int(cells * wide / high)))
    field = rng.standard_normal(small).astype(numpy.float32)
    return cv2.resize(field, (wide, high), interpolation=cv2.INTER_CUBIC)


def _ink(rng, above: str, text: str, below: str, size: int, spacing: float):
    """How much ink lies where, 0 to 1, and where the characters' centres are."""
    font = _font("OCRBS" if rng.random() < 0.25 else "OCRB", size)
    pitch, capital = size * ADVANCE, size * CAPITAL
    margin = 3 * pitch
    high, wide = int(5.2 * capital), int(2 * margin + pitch * len(text))
    image = Image.new("L", (wide, high))
    pen = ImageDraw.Draw(image)
    top = high / 2 - capital / 2 - size * TOP
    for step, line in ((-1, above), (0, text), (1, below)):
        pen.text((margin, top + step * spacing * capital), line, font=font, fill=255)
    ink = numpy.asarray(image)
    middles = numpy.stack([margin + pitch * (numpy.arange(len(text)) + 0.5), numpy.full(len(text), high / 2)], 1)
    return ink, middles.astype(numpy.float32), capital


def _press(rng, ink, capital: float, far: bool):
    """Thin, thick, ragged and broken strokes. From far away only thick and thin remain."""
    kind = rng.random()
    width = max(1, int(round(_between(rng, 0.03, 0.10) * capital)))
    if kind < 0.22:
        ink = cv2.dilate(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width + 1, width + 1)))
    elif kind < 0.42:
        thin = max(2, int(round(_between(rng, 0.03, 0.07) * capital)))
        ink = cv2.erode(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (thin, thin)))
    ink = ink.astype(numpy.float32) / 255
    if far:
        return ink
    if rng.random() < 0.3:
        lumps = _cloud(rng, ink.shape, _between(rng, 12, 60))
        ink = ink * numpy.clip(1 - _between(rng, 0.2, 1.2) * numpy.clip(lumps - _between(rng, 0, 1.2), 0, None), 0, 1)
    if rng.random() < 0.12:
        # Rows that the print head missed, or scratches.
        for _ in range(int(rng.integers(1, 4))):
            y = int(rng.integers(ink.shape[0]))
            cv2.line(ink, (0, y), (ink.shape[1], y + int(rng.integers(-8, 9))), _between(rng, 0, 0.4),
                     max(1, int(0.04 * capital)))
    return ink


def _bend(rng, ink, capital: float):
    """Paper that is not flat, letters that are not set quite alike."""
    high, wide = ink.shape
    x, y = numpy.meshgrid(numpy.arange(wide, dtype=numpy.float32), numpy.arange(high, dtype=numpy.float32))
    far = _between(rng, 0.01, 0.05) * capital
    x += far * _cloud(rng, ink.shape, _between(rng, 3, 9))
    y += far * _cloud(rng, ink.shape, _between(rng, 3, 9))
    if rng.random() < 0.5:
        y += _between(rng, -0.35, 0.35) * capital * (2 * x / wide - 1) ** 2
    return cv2.remap(ink, x, y, cv2.INTER_LINEAR)


def _view(rng, size, capital: float, far: bool):
    """The homography of a camera that is nearly, but not quite, above the line; and the size of what it sees."""
    wide, high = size
    corners = numpy.float32([[0, 0], [wide, 0], [wide, high], [0, high]])
    tilt = numpy.radians(rng.normal(0, 0.9))
    slant = numpy.radians(rng.normal(0, 4))
    seen = corners - [wide / 2, high / 2]
    seen[:, 0] += numpy.tan(slant) * seen[:, 1]
    seen = seen @ numpy.float32([[numpy.cos(tilt), numpy.sin(tilt)], [-numpy.sin(tilt), numpy.cos(tilt)]])
    # A far document is small and foreshortened, and only then laid flat.
    seen[:, 0] *= _log_between(rng, 0.75, 1.3) if far else _between(rng, 0.86, 1.16)
    # One end nearer than the other, by as much as a rectified photo still shows.
    nearer = rng.normal(0, 0.035)
    seen *= numpy.where(seen[:, :1] > 0, 1 + nearer, 1 - nearer)
    seen -= seen.min(0)
    size = numpy.ceil(seen.max(0)).astype(int)
    return cv2.getPerspectiveTransform(corners, seen.astype(numpy.float32)), (int(size[0]), int(size[1]))


def _paper(rng, shape, letter: float, far: bool) -> numpy.ndarray:
    """Brightness of the unprinted document, 0 to 1."""
    high, wide = shape
    paper = numpy.full(shape, _between(rng, 0.6 if far else 0.45, 1.0), numpy.float32)
    if rng.random() < 0.25:
        return paper
    x, y = numpy.meshgrid(numpy.arange(wide, dtype=numpy.float32), numpy.arange(high, dtype=numpy.float32))
    if rng.random() < 0.5:
        # Security print: fine waves, one or two families.
        for _ in range(int(rng.integers(1, 3))):
            angle, period = _between(rng, 0, numpy.pi), letter * _log_between(rng, 0.15, 3)
            along, across = x * numpy.cos(angle) + y * numpy.sin(angle), y * numpy.cos(angle) - x * numpy.sin(angle)
            sway = _between(rng, 0, 2) * numpy.sin(across / (letter * _between(rng, 0.5, 3)))
            wave = numpy.sin(2 * numpy.pi * along / period + sway)
            if rng.random() < 0.5:
                wave = numpy.where(wave > _between(rng, 0, 0.9), 1.0, 0.0)
            paper -= _between(rng, 0.01, 0.03 if far else 0.10) * wave.astype(numpy.float32)
    if rng.random() < 0.35:
        paper += _between(rng, 0.01, 0.03 if far else 0.09) * _cloud(rng, shape, _log_between(rng, 1.5, 20))
    if not far and rng.random() < 0.08:
        # A picture, a stamp or an edge under the line.
        box = [int(rng.integers(wide)), int(rng.integers(high))]
        cv2.circle(paper, box, int(_between(rng, 0.5, 4) * letter), _between(rng, 0.35, 0.9), int(rng.choice([1, 2, -1])))
    return paper


def _light(rng, image, far: bool):
    high, wide = image.shape
    x = numpy.linspace(-1, 1, wide, dtype=numpy.float32)[None]
    y = numpy.linspace(-1, 1, high, dtype=numpy.float32)[:, None]
    if rng.random() < 0.5:
        image = image * (1 + _between(rng, -0.3, 0.3) * x + _between(rng, -0.12, 0.12) * y)
    if rng.random() < 0.25:
        # A shadow's edge, sharp or soft.
        edge = x * _between(rng, 0.3, 1) * (1 if rng.random() < 0.5 else -1) + y * _between(rng, -0.5, 0.5)
        lit = 1 / (1 + numpy.exp(-numpy.clip((edge - _between(rng, -0.7, 0.7)) * _log_between(rng, 3, 120), -30, 30)))
        image = image * (1 - _between(rng, 0.15, 0.5 if far else 0.65) * lit)
    if rng.random() < (0.08 if far else 0.2):
        centre, reach = _between(rng, -1.1, 1.1), _log_between(rng, 0.08, 0.6)
        spot = numpy.exp(-((x - centre) / reach) ** 2 - ((y - _between(rng, -2, 2)) / _between(rng, 0.7, 4)) ** 2)
        image = image + _between(rng, 0.1, 0.55) * spot
    return image


def _camera(rng, image, letter: float, far: bool):
    """Blur, noise and what the file format loses. 0 to 1 in, bytes out."""
    if far:
        image = cv2.GaussianBlur(image, (0, 0), letter * _between(rng, 0.08, 0.28))
    elif rng.random() < 0.75:
        # Up to a quarter of a letter: two pixels where letters are eight high.
        sigma = letter * min(0.26, rng.exponential(0.07))
        if sigma > 0.2:
            image = cv2.GaussianBlur(image, (0, 0), sigma)
    if not far and rng.random() < 0.12:
        length = max(2, int(letter * _between(rng, 0.1, 0.35)))
        trace = numpy.zeros((length, length), numpy.float32)
        angle = _between(rng, 0, numpy.pi)
        middle, arm = (length - 1) / 2, length / 2
        offset = numpy.array([numpy.cos(angle), numpy.sin(angle)]) * arm
        ends = [tuple(int(round(middle + side * part)) for part in offset) for side in (-1, 1)]
        cv2.line(trace, ends[0], ends[1], 1.0)
        image = cv2.filter2D(image, -1, trace / max(trace.sum(), 1e-6))
    if rng.random() < 0.15:
        # Sharpened by the phone.
        image = image + _between(rng, 0.3, 1.5) * (image - cv2.GaussianBlur(image, (0, 0), max(0.4, 0.08 * letter)))
    if rng.random() < 0.6:
        image = image + min(0.025 if far else 0.12, rng.exponential(0.025)) * rng.standard_normal(image.shape).astype(numpy.float32)
    grey = numpy.clip(255 * image, 0, 255).astype(numpy.uint8)
    if rng.random() < (0.9 if far else 0.5):
        quality = int(rng.integers(25, 75) if far else rng.integers(20, 96))
        grey = cv2.imdecode(cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)
    return grey


def _two_levels(rng, grey, letter: float):
    """A scan of one bit per pixel, with the specks and bridges that thresholds leave."""
    if rng.random() < 0.5:
        grey = cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        letter = 2 * letter
    if rng.random() < 0.5:
        level, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)
        grey = numpy.where(grey > level * _between(rng, 0.85, 1.12), 255, 0).astype(numpy.uint8)
    else:
        block = 2 * int(letter * _between(rng, 0.5, 2)) + 3
        grey = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, block, _between(rng, 6, 25))
    if rng.random() < 0.3:
        specks = rng.random(grey.shape) < _between(rng, 0.0005, 0.02)
        grey = numpy.where(specks, 255 - grey, grey)
    if rng.random() < 0.3:
        edge = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)) if letter > 14 else numpy.ones((2, 2), numpy.uint8)
        grey = (cv2.erode if rng.random() < 0.5 else cv2.dilate)(grey, edge)
    return grey


def photograph(rng, above: str, text: str, below: str, far: float = 0.0, ink=_ink, most: float | None = None) -> Picture:
    """A crop around `text`, whose neighbours may be empty. Drawn again where two levels left nothing to read.

    `far` is the share of photos taken from too far away, small and blurred; `ink` draws the line; beside it up to `most`
    letters' widths are left.
    """
    while True:
        if picture := _photograph(rng, above, text, below, far > 0 and rng.random() < far, ink, most):
            return picture


def _photograph(rng, above: str, text: str, below: str, far: bool, print_line, most: float | None) -> Picture | None:
    two_levels = not far and rng.random() < 0.22
    letter = _log_between(rng, 7, 14) if far else _log_between(rng, 11 if two_levels else 7, 30)
    # Drawn larger than seen, so that the camera's pixels average.
    finer = 2.0 if letter < 16 else 1.4
    size = max(10, int(round(letter * finer / CAPITAL)))
    ink, middles, capital = print_line(rng, above, text, below, size, _between(rng, 1.35, 2.7))
    ink = _press(rng, ink, capital, far)
    if rng.random() < 0.6:
        ink = _bend(rng, ink, capital)
    if rng.random() < 0.3:
        lines = numpy.roll(ink, int(rng.integers(-2, 3)), 1)
        ink = numpy.maximum(ink, _between(rng, 0, 0.25) * lines)
    matrix, seen = _view(rng, (ink.shape[1], ink.shape[0]), capital, far)
    ink = cv2.warpPerspective(ink, matrix, seen, flags=cv2.INTER_LINEAR)
    middles = cv2.perspectiveTransform(middles[None], matrix)[0] / finer
    small = (max(8, int(seen[0] / finer)), max(8, int(seen[1] / finer)))
    ink = cv2.resize(ink, small, interpolation=cv2.INTER_AREA)

    paper = _paper(rng, ink.shape, letter, far)
    dark = _between(rng, 0.0, 0.25 if far else 0.38)
    strength = _between(rng, 0.75 if far else 0.55, 1.0)
    image = paper * (1 - ink * strength) + numpy.minimum(dark, paper) * ink * strength
    if rng.random() < (0.4 if two_levels else 0.7):
        image = _light(rng, image, far)
    grey = _camera(rng, image, letter, far)
    if two_levels:
        before = grey.shape
        grey = _two_levels(rng, grey, letter)
        factor = grey.shape[0] / before[0]
        middles, letter = middles * factor, letter * factor
        printed = cv2.resize(ink, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
        if -numpy.corrcoef(printed.ravel(), grey.ravel())[0, 1] < 0.45:
            return None
    return _crop(rng, grey, middles, letter, most)


def _crop(rng, grey, middles, letter: float, most: float | None) -> Picture:
    high, wide = grey.shape
    tall = max(numpy.ptp(middles[:, 1]), 0) + letter * _between(rng, 1.0, 2.0)
    if rng.random() < 0.06:
        # The tips of the letters are missing.
        tall *= _between(rng, 0.88, 1.0)
    centre = (middles[:, 1].max() + middles[:, 1].min()) / 2
    room = max(0.0, tall - letter) / 2
    centre += _between(rng, -1, 1) * min(room, 0.4 * letter)
    step = (middles[-1, 0] - middles[0, 0]) / max(1, len(middles) - 1)
    most = most or (2.6 if rng.random() < 0.2 else 0.9)
    left = middles[0, 0] - step * (0.5 + _between(rng, -0.02, most))
    right = middles[-1, 0] + step * (0.5 + _between(rng, -0.02, most))
    x0, x1 = max(0, int(left)), min(wide, int(numpy.ceil(right)))
    y0, y1 = max(0, int(round(centre - tall / 2))), min(high, int(round(centre + tall / 2)) + 1)
    return Picture(grey[y0:y1, x0:x1], (middles[:, 0] - x0) / (x1 - x0))


def prepare(grey: numpy.ndarray, width: int, smooth: bool = True) -> numpy.ndarray:
    """32 high, `width` wide, the darkest and brightest fiftieth clipped and the rest spread over all bytes."""
    if smooth:
        shape = Image.fromarray(grey).resize((width, HEIGHT), Image.Resampling.BILINEAR)
        grey = numpy.asarray(shape)
    else:
        grey = cv2.resize(grey, (width, HEIGHT), interpolation=cv2.INTER_AREA if grey.shape[0] > HEIGHT else cv2.INTER_CUBIC)
    low, high = numpy.percentile(grey, (2, 98))
    spread = (grey.astype(numpy.float32) - low) / max(float(high - low), 8.0)
    return (numpy.clip(spread, 0, 1) * 255).round().astype(numpy.uint8)
