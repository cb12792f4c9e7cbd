"""Writes hopper_128.png in the formats and sample layouts that photos arrive in: `python make.py`. Needs pillow."""

import pathlib

from PIL import Image

HERE = pathlib.Path(__file__).parent


def main() -> None:
    photo = Image.open(HERE.parent / "hopper_128.png").convert("RGB")
    photo.save(HERE / "progressive.jpg", quality=90, progressive=True)
    photo.save(HERE / "restarts.jpg", quality=90, restart_marker_rows=1)
    photo.convert("CMYK").save(HERE / "cmyk.jpg", quality=90)
    photo.convert("L").save(HERE / "grey.jpg", quality=90)
    photo.save(HERE / "lossy.webp", quality=90)
    photo.save(HERE / "lossless.webp", lossless=True)
    photo.quantize(256).save(HERE / "palette.png")
    photo.convert("L").convert("I;16").point(lambda value: value * 257).save(HERE / "grey16.png")
    photo.save(HERE / "two.mpo", save_all=True, append_images=[Image.new("RGB", (32, 32))], quality=90)
    turned = Image.Exif()
    turned[0x0112] = 6  # "turn clockwise by 90 degrees to see it upright"
    photo.transpose(Image.Transpose.ROTATE_90).save(HERE / "exif_orientation_6.jpg", quality=90, exif=turned)


if __name__ == "__main__":
    main()
