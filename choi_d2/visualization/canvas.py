"""Antialiased shapes and text on a picture, all sized by the picture."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw

from . import palette
from .fonts import DEJAVU, font_of, runs_of
from .palette import Color

Line = Sequence[tuple[str, Color]]
"""One line of a label: (words, their colour), one after the other."""

_SUBPIXEL_BITS = 4


class Canvas:
    """A picture to draw on.

    Coordinates are the canvas's pixels; a point of the original picture is ``scale`` times as far
    from the upper left corner here. Lines are drawn with a dark rim: they show on any background.

    Args:
        image_rgb: uint8 (H, W, 3); it is copied.
        scale: how much larger the canvas is than the picture.
    """

    SMALLEST_FONT = 10

    def __init__(self, image_rgb: np.ndarray, scale: float = 1.0):
        height, width = image_rgb.shape[:2]
        if scale == 1.0:
            self.pixels = np.array(image_rgb, order="C")
        else:
            size = max(round(width * scale), 1), max(round(height * scale), 1)
            smooth = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
            self.pixels = cv2.resize(np.ascontiguousarray(image_rgb), size, interpolation=smooth)
        self.scale = scale
        self.height, self.width = self.pixels.shape[:2]
        side = float(np.sqrt(self.height * self.width))
        # On a photo of a million pixels, lines have 2 pixels and letters 17.
        self.unit = max(side / 450, 1.0)
        self.font_size = max(round(side / 58), 13)

    # ------------------------------------------------------------------------------- shapes
    def box(self, box: Sequence[float], color: Color, weight: float = 1.0) -> None:
        """Outline a box (x1 y1 x2 y2), drawn inside the canvas where it touches the border."""
        thick, rim = self._thickness(weight), self._rim()
        inset = thick // 2 + rim
        x1, x2 = np.clip([box[0], box[2]], inset, max(self.width - 1 - inset, inset))
        y1, y2 = np.clip([box[1], box[3]], inset, max(self.height - 1 - inset, inset))
        corners = [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
        self._stroke([np.array(corners).round()], color, thick, rim, closed=True, line=cv2.LINE_8)

    def ellipse(self, box: Sequence[float], color: Color, weight: float = 1.0) -> None:
        """Outline the ellipse that fits into a box (x1 y1 x2 y2)."""
        angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
        center, radii = np.add(box[:2], box[2:]) / 2, np.subtract(box[2:], box[:2]) / 2
        points = center + radii * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        self._stroke([points], color, self._thickness(weight), self._rim(), closed=True)

    def mask(self, mask: np.ndarray, color: Color, alpha: float = 0.33) -> None:
        """Fill a mask, bool (H, W) of the original picture, and draw its contours."""
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if not len(rows):
            return
        # A margin of one pixel closes the contours of masks that are cut off by the crop.
        top, left = max(rows[0] - 1, 0), max(columns[0] - 1, 0)
        part = mask[top : rows[-1] + 2, left : columns[-1] + 2].astype(np.uint8)
        x, y = round(left * self.scale), round(top * self.scale)
        if self.scale != 1.0:
            size = np.maximum(np.round(np.array(part.shape[::-1]) * self.scale), 1).astype(int)
            part = cv2.resize(part * 255, tuple(size), interpolation=cv2.INTER_LINEAR) > 127
        part = part[: self.height - y, : self.width - x].astype(np.uint8)
        region = self.pixels[y : y + part.shape[0], x : x + part.shape[1]]
        # A table of the 256 mixed values: photos of 24 megapixels take no float arithmetic.
        mixed = np.arange(256)[:, None] * (1 - alpha) + np.array(color) * alpha
        tinted = cv2.LUT(region, mixed.round().astype(np.uint8)[None])
        np.copyto(region, tinted, where=part.astype(bool)[..., None])
        contours, _ = cv2.findContours(part, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=(x, y))
        self._stroke(
            [contour.reshape(-1, 2) for contour in contours],
            color,
            self._thickness(0.8),
            self._rim(),
            closed=True,
        )

    def curve(self, points: np.ndarray, color: Color, weight: float = 1.0) -> None:
        """Draw a line through ``points``, float (L, 2)."""
        self._stroke([points], color, self._thickness(weight), self._rim(), closed=False)

    def leader(self, anchor: np.ndarray, end: np.ndarray, color: Color) -> None:
        """A dotted line with a small disc at ``anchor``: it says whose a distant label is."""
        length, step = float(np.hypot(*(end - anchor))), 4 * self.unit
        for reach in np.arange(step, length, step):
            self.dot(anchor + reach / length * (end - anchor), color, radius=0.8)
        self.dot(anchor, color, radius=1.5)

    def dot(self, center: Sequence[float], color: Color, radius: float = 2.4) -> None:
        """A disc; ``radius`` is in line widths."""
        for extra, fill in ((0.5, palette.HALO), (0.0, color)):
            self._disc(center, (radius + extra) * self.unit, fill)

    def arrow_head(self, tip: np.ndarray, direction: np.ndarray, color: Color) -> None:
        """A filled arrow head whose ``tip`` (x, y) points in ``direction`` (x, y)."""
        length = max(float(np.hypot(*direction)), 1e-6)
        along = np.asarray(direction) / length
        across = np.array([-along[1], along[0]])
        back, half = 7.0 * self.unit, 3.6 * self.unit
        base = tip - back * along
        notch = tip - 0.72 * back * along
        outline = np.array([tip, base + half * across, notch, base - half * across])
        self._stroke([outline], palette.HALO, max(round(2.0 * self.unit), 2), 0, closed=True)
        cv2.fillPoly(
            self.pixels, [_subpixel(outline)], color, lineType=cv2.LINE_AA, shift=_SUBPIXEL_BITS
        )

    def paste(self, patch: np.ndarray, x: float, y: float) -> None:
        """Blend a label from :func:`render_label`, uint8 (h, w, 4), with its corner at (x, y)."""
        x, y = max(round(x), 0), max(round(y), 0)
        patch = patch[: self.height - y, : self.width - x]
        region = self.pixels[y : y + patch.shape[0], x : x + patch.shape[1]]
        alpha = patch[..., 3:].astype(np.float32) / 255
        region[:] = (region * (1 - alpha) + patch[..., :3] * alpha).round().astype(np.uint8)

    # ------------------------------------------------------------------------------ helpers
    def _thickness(self, weight: float) -> int:
        return max(round(weight * self.unit), 2)

    def _rim(self) -> int:
        return max(round(0.4 * self.unit), 1)

    def _stroke(
        self,
        paths: list[np.ndarray],
        color: Color,
        thick: int,
        rim: int,
        *,
        closed: bool,
        line: int = cv2.LINE_AA,
    ) -> None:
        points = [_subpixel(path) for path in paths]
        for width, paint in ((thick + 2 * rim, palette.HALO), (thick, color)):
            cv2.polylines(self.pixels, points, closed, paint, width, line, _SUBPIXEL_BITS)

    def _disc(self, center: Sequence[float], radius: float, color: Color) -> None:
        x, y = _subpixel(np.array([center]))[0, 0]
        cv2.circle(
            self.pixels,
            (int(x), int(y)),
            int(round(radius * 2**_SUBPIXEL_BITS)),
            color,
            -1,
            cv2.LINE_AA,
            _SUBPIXEL_BITS,
        )


def render_label(lines: Sequence[Line], font_size: int, stripe: Color | None = None) -> np.ndarray:
    """Draw a label: light words on a dark, slightly transparent plate with rounded corners.

    Args:
        lines: its lines.
        font_size: in pixels.
        stripe: colour of the bar at its left side; None for no bar.

    Returns:
        uint8 (h, w, 4), RGBA.
    """
    rows = [[(runs_of(words, font_size), color) for words, color in line] for line in lines]
    fonts = {id(font): font for row in rows for runs, _ in row for _, font in runs}
    metrics = [font.getmetrics() for font in (font_of(DEJAVU, font_size), *fonts.values())]
    ascent, descent = (max(values) for values in zip(*metrics, strict=True))
    pad_x, pad_y = round(0.42 * font_size), round(0.2 * font_size)
    bar = 0 if stripe is None else max(round(0.28 * font_size), 2)
    text_width = max(
        sum(font.getlength(words) for runs, _ in row for words, font in runs) for row in rows
    )
    width = int(np.ceil(text_width)) + 2 * pad_x + bar
    height = (ascent + descent) * len(lines) + 2 * pad_y
    plate = Image.new("RGBA", (width, height), (*palette.CHIP, 255))
    opaque = Image.new("L", (width, height), 0)
    draw, draw_opaque = ImageDraw.Draw(plate), ImageDraw.Draw(opaque)
    if stripe is not None:
        draw.rectangle((0, 0, bar - 1, height), fill=stripe)
    for number, row in enumerate(rows):
        x, y = float(pad_x + bar), pad_y + number * (ascent + descent) + ascent
        for runs, color in row:
            for words, font in runs:
                # Letters of all fonts stand on one line.
                draw.text((x, y), words, font=font, fill=color, anchor="ls")
                draw_opaque.text((x, y), words, font=font, fill=255, anchor="ls")
                x += font.getlength(words)
    patch = np.array(plate)
    patch[..., 3] = np.maximum(_rounded(height, width, 0.32 * font_size), np.array(opaque))
    return patch


def _rounded(height: int, width: int, radius: float) -> np.ndarray:
    """uint8 (height, width): opacity of a plate with rounded corners."""
    fine = 4  # drawn larger and averaged, which antialiases the corners
    shape = Image.new("L", (width * fine, height * fine), 0)
    ImageDraw.Draw(shape).rounded_rectangle(
        (0, 0, width * fine - 1, height * fine - 1), radius * fine, fill=225
    )
    return np.array(shape.resize((width, height), Image.Resampling.BOX))


def _subpixel(points: np.ndarray) -> np.ndarray:
    """float (L, 2) -> int32 (L, 1, 2), fixed point as OpenCV's ``shift`` wants it."""
    # OpenCV's rasterizer overflows far outside of any picture.
    fixed = np.clip(np.asarray(points, dtype=np.float64), -32000, 32000) * 2**_SUBPIXEL_BITS
    return fixed.round().astype(np.int32).reshape(-1, 1, 2)
