"""Draws a gift certificate as a JPEG picture."""

from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from providers.sandbox.cp_extender.ledger import money

SIZE = (1200, 680)
PAPER, INK, QUIET, RIBBON, DARK_RIBBON = "#fbf7ee", "#26303b", "#7a7468", "#a3303f", "#7f2331"
MARGIN, RIBBON_RIGHT, RIGHT = 28, 250, 1130
LEFT = RIBBON_RIGHT + 70
SMALLEST = 20

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw(place: str, name: str, number: str, minor: int, currency: str) -> bytes:
    """The certificate of one card: where it is good, for whom, its number and its value."""
    picture = Image.new("RGB", SIZE, PAPER)
    pen = ImageDraw.Draw(picture)
    _draw_frame(pen)
    _draw_ribbon(pen)
    _write(pen, 96, place, 46, INK)
    _write(pen, 168, "Gift certificate", 30, QUIET)
    _write(pen, 236, f"{money(minor):,.2f} {currency}", 110, RIBBON)
    _write(pen, 400, f"For {name}", 38, INK)
    pen.line([(LEFT, 482), (RIGHT, 482)], fill=QUIET, width=2)
    _write(pen, 504, "Card number", 24, QUIET)
    _write(pen, 540, number, 44, INK)
    return _as_jpeg(picture)


def _draw_frame(pen: ImageDraw.ImageDraw) -> None:
    width, height = SIZE
    pen.rectangle([(MARGIN, MARGIN), (width - MARGIN, height - MARGIN)], outline=QUIET, width=3)


def _draw_ribbon(pen: ImageDraw.ImageDraw) -> None:
    """A band down the left side, with a bow."""
    middle, high = 150, 250
    pen.rectangle([(middle - 34, 0), (middle + 34, SIZE[1])], fill=RIBBON)
    for side in (-1, 1):
        tail = [(middle, high), (middle + side * 78, high + 150), (middle + side * 24, high + 132)]
        loop = [(middle, high), (middle + side * 104, high - 62), (middle + side * 104, high + 62)]
        pen.polygon(tail, fill=DARK_RIBBON)
        pen.polygon(loop, fill=RIBBON, outline=DARK_RIBBON, width=4)
    pen.ellipse([(middle - 30, high - 30), (middle + 30, high + 30)], fill=DARK_RIBBON)


def _write(pen: ImageDraw.ImageDraw, top: int, text: str, size: int, color: str) -> None:
    """One line from the left; smaller, then cut, until it fits."""
    font = _font(size)
    while pen.textlength(text, font) > RIGHT - LEFT and size > SMALLEST:
        size -= 2
        font = _font(size)
    while pen.textlength(text, font) > RIGHT - LEFT:
        text = text.removesuffix("…")[:-1].rstrip() + "…"
    pen.text((LEFT, top), text, fill=color, font=font)


def _font(size: int) -> Font:
    return ImageFont.load_default(size)


def _as_jpeg(picture: Image.Image) -> bytes:
    data = BytesIO()
    picture.save(data, "JPEG", quality=88)
    return data.getvalue()


def as_png() -> bytes:
    """A small picture of the wrong kind."""
    data = BytesIO()
    Image.new("RGB", (40, 20), PAPER).save(data, "PNG")
    return data.getvalue()
