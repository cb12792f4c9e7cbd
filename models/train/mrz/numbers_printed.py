"""A cédula's number, `000-0000000-0`, in the typefaces of print: what `draw.photograph` draws instead of OCR-B.

The net that reads it has the MRZ reader's layers and classes; the dash takes the filler's. Lines without a number are
among them, and their label is nothing.
"""

from functools import cache
from pathlib import Path

import numpy
from PIL import Image, ImageDraw, ImageFont

import draw

# None of those that specimens for tuning and testing are printed in.
FACES = """LiberationSans-Bold LiberationSans-Bold LiberationSans-Regular LiberationSansNarrow-Bold DejaVuSans-Bold DejaVuSans-Bold
DejaVuSans DejaVuSansCondensed-Bold NimbusSans-Bold NimbusSans-Bold NimbusSans-Regular NimbusSansNarrow-Bold Lato-Bold Lato-Bold
Lato-Heavy Lato-Black Lato-Semibold Lato-Regular LiberationMono-Bold""".split()
LABELS = """Número de cédula|REPÚBLICA DOMINICANA|JUNTA CENTRAL ELECTORAL|CÉDULA DE IDENTIDAD Y ELECTORAL|LUGAR DE NACIMIENTO: SANTIAGO|
Nombre|Apellido|Nacionalidad|DOMINICANA|FECHA DE NACIMIENTO: 03 MAYO 1984|OCUPACIÓN: ESTUDIANTE|SEXO: F SANGRE: O+|27 ABRIL 1991|
Vigencia hasta 12-03-2031|MARÍA ALTAGRACIA|PÉREZ DE LA CRUZ|SOLTERO|COLEGIO ELECTORAL 0412""".replace("\n", "").split("|")


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(next(str(path) for path in sorted(Path("/usr/share/fonts").rglob(f"{name}.[to]tf"))), size)


def text(rng) -> str:
    """A number, with a filler for each dash; or nothing."""
    if rng.random() < 0.12:
        return ""
    digits = "".join(str(digit) for digit in rng.integers(10, size=11))
    return digits if rng.random() < 0.1 else f"{digits[:3]}<{digits[3:10]}<{digits[10]}"


def ink(rng, above: str, said: str, below: str, size: int, spacing: float):
    """As `draw._ink`; the middles are those of the printed characters."""
    del above, below
    face = FACES[int(rng.integers(len(FACES)))]
    font = _font(face, size)
    dash = "-" if rng.random() < 0.8 else "–"
    shown = said.replace("<", dash) if said else LABELS[int(rng.integers(len(LABELS)))]
    ends = [font.getlength(shown[:count]) for count in range(len(shown) + 1)]
    margin = 7 * size
    _, top, _, bottom = font.getbbox("8")
    capital = bottom - top
    high, wide = int(5.2 * capital), int(2 * margin + ends[-1])
    image = Image.new("L", (wide, high))
    pen = ImageDraw.Draw(image)
    start = high / 2 - capital / 2
    pen.text((margin, start - top), shown, font=font, fill=255)
    for step in (-1, 1):
        if rng.random() < 0.75:
            smaller = _font(face, max(6, int(size * rng.uniform(0.5, 0.9))))
            label = LABELS[int(rng.integers(len(LABELS)))]
            pen.text((margin + rng.uniform(-1, 1) * size, start - top + step * spacing * capital), label, font=smaller, fill=255)
    if rng.random() < 0.4:
        # What stands beside it: a picture's edge, a coat of arms, a letter.
        x = margin - rng.uniform(1, 5) * size if rng.random() < 0.3 else margin + ends[-1] + rng.uniform(1, 5) * size
        box = [x, rng.uniform(0, high), x + rng.uniform(0.2, 4) * size, rng.uniform(0, high)]
        box[1], box[3] = sorted((box[1], box[3]))
        if x > margin or box[2] < margin - 0.3 * size:
            pen.rectangle(box, fill=int(rng.integers(40, 256)))
    middles = [margin + (a + b) / 2 for a, b in zip(ends, ends[1:])]
    middles = numpy.stack([middles, numpy.full(len(middles), high / 2)], 1)
    return numpy.asarray(image), middles.astype(numpy.float32), capital


def picture(rng, said: str) -> draw.Picture:
    return draw.photograph(rng, "", said, "", far=0.6, ink=ink, most=rng.uniform(0.3, 7))
