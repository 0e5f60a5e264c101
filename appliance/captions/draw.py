"""Captions as pictures: shaped, ordered, broken into lines and drawn by Pango and cairo."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from appliance.captions.fonts import description_of, missing
from appliance.captions.pango import libraries
from appliance.captions.words import plain_text
from appliance.config.settings.stages.captions import CaptionsSettings
from appliance.errors import InputError
from appliance.media.frame import U8

# Of the size of the letters: room between them and the box's edges, and its corners' radius.
_PAD_X, _PAD_Y, _RADIUS = 0.4, 0.12, 0.15
_TRIES = 7  # halvings towards the narrowest width: to within a hundredth of the picture's
_RIGHT_TO_LEFT = frozenset(("ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "syr", "ug",
                            "ur", "yi"))  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class DrawnCaption:
    """A caption, or the first part of one, for a picture of one size.

    Attributes:
        x, y: its top left corner in the picture, even; it lies wholly inside.
        bgra: uint8 (rows, columns, 4), even sides: blue, green, red, each times alpha; alpha.
        parts: the texts of all parts, this one's first, where there are more lines than are shown
            at once; each can be drawn by itself.
    """

    x: int
    y: int
    bgra: U8
    parts: tuple[str, ...]


class CaptionDrawer:
    """Draws captions. For one thread only: Pango keeps its fonts by the thread."""

    def __init__(self) -> None:
        """Raises MissingDependency where Pango or cairo is not installed."""
        self._pango, self._pango_cairo, self._cairo = libraries()
        self._fonts: tuple[str, Any, Any] | None = None

    def draw(
        self, text: str, language: str, settings: CaptionsSettings, width: int, height: int
    ) -> DrawnCaption | None:
        """A caption for a picture of this size in pixels; None where there is nothing to be seen.

        Lines are about equally long. A character that no font here has is left out.

        Raises:
            InputError: the font cannot be used, or no font here has most of the text's characters.
        """
        text = plain_text(text)
        width, height = width // 2 * 2, height // 2 * 2
        if not text or width < 2 or height < 2:
            return None
        page = _Page(settings, width, height, settings.size * height)
        text = self._with_glyphs(text, language, page)
        layout = self._layout(text, language, page)
        count = layout.get_line_count()
        parts: tuple[str, ...] = (text,)
        if count > settings.lines:
            parts = _parts(layout, text, count, settings.lines)
            layout = self._layout(parts[0], language, page)
        return self._drawn(parts, layout, page)

    def lacks(self, characters: str, settings: CaptionsSettings) -> str:
        """Those of the characters that no font here has. Raises InputError as ``draw`` does."""
        layout = self._layout("", "", _Page(settings, 2, 2, 20.0))
        return "".join(one for one in dict.fromkeys(characters) if self._unknown(layout, one))

    def missing_family(self, settings: CaptionsSettings) -> str:
        """The font's family, if it is not on this machine; empty if it is. Raises InputError."""
        font_map, described = self._font(settings.font)
        family = str(described.get_family() or "")
        known = {str(one.get_name()).lower() for one in font_map.list_families()}
        asked = [name.strip() for name in family.split(",") if name.strip()]
        return "" if any(name.lower() in known for name in asked) else family

    def _with_glyphs(self, text: str, language: str, page: _Page) -> str:
        """The text without what no font has. Raises InputError if that is most of it."""
        layout = self._layout(text, language, page)
        if layout.get_unknown_glyphs_count() == 0:
            return text
        lacking = "".join(one for one in dict.fromkeys(text) if self._unknown(layout, one))
        kept = "".join(character for character in text if character not in lacking)
        seen = len("".join(text.split()))
        if 2 * len("".join(plain_text(kept).split())) < seen:
            raise InputError(f"a caption is not drawn: {missing(lacking)}")
        return plain_text(kept)

    @staticmethod
    def _unknown(layout: Any, character: str) -> bool:
        layout.set_text(character, -1)
        return bool(layout.get_unknown_glyphs_count())

    def _layout(self, text: str, language: str, page: _Page) -> Any:
        pango = self._pango
        font_map, font = self._font(page.settings.font)
        context = font_map.create_context()
        if language:
            context.set_language(pango.Language.from_string(language[:35]))
        layout = pango.Layout.new(context)
        if language.partition("-")[0].lower() in _RIGHT_TO_LEFT and _has_right_to_left(text):
            # By what is spoken, not by a foreign name at its beginning.
            layout.set_auto_dir(False)
            context.set_base_dir(pango.Direction.RTL)
            layout.context_changed()
        font = font.copy()
        font.set_absolute_size(page.letter * pango.SCALE)
        layout.set_font_description(font)
        layout.set_alignment(pango.Alignment.CENTER)
        layout.set_wrap(pango.WrapMode.WORD_CHAR)
        layout.set_width(int(page.line * pango.SCALE))
        layout.set_text(text, -1)
        return layout

    def _font(self, name: str) -> tuple[Any, Any]:
        if self._fonts is None or self._fonts[0] != name:
            self._fonts = None
            described = description_of(name)
            # A new one, since the fonts known to the process may have changed.
            font_map = self._pango_cairo.FontMap.new()
            self._fonts = (name, font_map, self._pango.FontDescription.from_string(described))
        return self._fonts[1:]

    def _drawn(self, parts: tuple[str, ...], layout: Any, page: _Page) -> DrawnCaption:
        self._balance(layout)
        _, logical = layout.get_pixel_extents()
        pad_x = round(_PAD_X * page.letter) + page.edge
        pad_y = round(_PAD_Y * page.letter) + page.edge
        columns = min(page.width, -(-(logical.width + 2 * pad_x) // 2) * 2)
        rows = min(page.height, -(-(logical.height + 2 * pad_y) // 2) * 2)
        letters, pen = self._surface(columns, rows)
        pen.set_source_rgb(*_rgb(page.settings.colour))
        left = (columns - logical.width) / 2 - logical.x
        pen.move_to(left, (rows - logical.height) / 2 - logical.y)
        self._pango_cairo.show_layout(pen, layout)
        whole, pen = self._surface(columns, rows)
        self._lay(pen, letters, page)
        whole.flush()
        bgra = np.ndarray((rows, columns, 4), np.uint8, whole.get_data(), 0,
                          (whole.get_stride(), 4, 1)).copy()  # fmt: skip
        x = (page.width - columns) // 4 * 2
        margin = round(page.settings.margin * page.height / 2) * 2
        y = margin if page.settings.place == "top" else page.height - rows - margin
        y = min(max(0, y), page.height - rows)
        return DrawnCaption(x, y, bgra, parts)

    def _balance(self, layout: Any) -> None:
        """As narrow as the same number of lines allows: none of them is a lone last word."""
        count = layout.get_line_count()
        if count < 2:
            return
        high = layout.get_width()
        low = high // count
        for _ in range(_TRIES):
            middle = (low + high) // 2
            layout.set_width(middle)
            if layout.get_line_count() > count or self._broken(layout):
                low = middle
            else:
                high = middle
        layout.set_width(high)

    def _broken(self, layout: Any) -> bool:
        """Whether a line is wider than it may be, as with a character that fills it."""
        return bool(layout.get_size()[0] > layout.get_width())

    def _surface(self, columns: int, rows: int) -> tuple[Any, Any]:
        surface = self._cairo.ImageSurface(self._cairo.FORMAT_ARGB32, columns, rows)
        return surface, self._cairo.Context(surface)

    def _lay(self, pen: Any, letters: Any, page: _Page) -> None:
        """The box, the letters' edge, the letters."""
        settings = page.settings
        columns, rows = letters.get_width(), letters.get_height()
        if settings.box > 0:
            pen.set_source_rgba(*_rgb(settings.box_colour), settings.box)
            radius = min(_RADIUS * page.letter, columns / 2, rows / 2)
            for x, y, turn in (
                (columns - radius, radius, -0.5), (columns - radius, rows - radius, 0.0),
                (radius, rows - radius, 0.5), (radius, radius, 1.0),
            ):  # fmt: skip
                pen.arc(x, y, radius, turn * np.pi, (turn + 0.5) * np.pi)
            pen.close_path()
            pen.fill()
        if page.edge:
            letters.flush()
            alpha = np.ndarray((rows, columns), np.uint8, letters.get_data(), 3,
                               (letters.get_stride(), 4))  # fmt: skip
            mask = self._mask(_grown(alpha, page.edge_width))
            pen.set_source_rgb(*_rgb(settings.box_colour))
            pen.mask_surface(mask, 0, 0)
        pen.set_source_surface(letters, 0, 0)
        pen.paint()

    def _mask(self, alpha: U8) -> Any:
        rows, columns = alpha.shape
        mask = self._cairo.ImageSurface(self._cairo.FORMAT_A8, columns, rows)
        mask.flush()
        np.ndarray((rows, columns), np.uint8, mask.get_data(), 0, (mask.get_stride(), 1))[:] = alpha
        mask.mark_dirty()
        return mask


@dataclass(frozen=True, slots=True)
class _Page:
    """What a caption is drawn on: the picture's size, and that of the letters, in pixels."""

    settings: CaptionsSettings
    width: int
    height: int
    letter: float

    @property
    def edge_width(self) -> float:
        """Of the letters' edge."""
        return self.settings.outline * self.letter

    @property
    def edge(self) -> int:
        """The whole pixels that it takes."""
        return int(np.ceil(self.edge_width))

    @property
    def line(self) -> int:
        """The longest line; with its box it is within the picture."""
        most = self.width - 2 * (round(_PAD_X * self.letter) + self.edge)
        return int(max(2, min(self.settings.width * self.width, most)))


def _grown(alpha: U8, by: float) -> U8:
    """Alpha as wide as the letters and an edge of ``by`` pixels around them.

    Grown as a picture, not drawn along outlines: emoji are pictures and have none.
    """
    reach = int(np.ceil(by))
    across = np.arange(-reach, reach + 1)
    disc = (np.hypot(*np.meshgrid(across, across)) <= by + 0.25).astype(np.uint8)
    grown = cv2.dilate(alpha, disc)
    # The disc has steps.
    return np.asarray(np.maximum(cv2.GaussianBlur(grown, (3, 3), 0.6), alpha), np.uint8)


def _parts(layout: Any, text: str, count: int, most: int) -> tuple[str, ...]:
    """The text of ``count`` lines in parts of at most ``most``, of about equally many."""
    pages = -(-count // most)
    encoded = text.encode()
    first = (round(k * count / pages) for k in range(pages))
    starts = [layout.get_line_readonly(line).start_index for line in first]
    pairs = zip(starts, [*starts[1:], len(encoded)], strict=True)
    parts = (encoded[begin:end].decode(errors="ignore").strip() for begin, end in pairs)
    return tuple(part for part in parts if part)


def _has_right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    return red, green, blue
