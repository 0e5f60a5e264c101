"""From the settings to a style that is ready to be applied: files read, tables baked."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from appliance.config import shapes
from appliance.config.settings.stages.style import StyleSettings
from appliance.errors import InputError, ModelError
from appliance.media.frame import Colour, Frame
from appliance.media.rgb import rgb_to_nv12
from appliance.networks.folders import model_folders
from appliance.networks.manifest import find_manifest, load_manifest
from appliance.networks.picture import PictureNetwork
from appliance.pixels.cpu.bake import F64, ColourCube, bake_affine, bake_look
from appliance.pixels.cpu.look import LookTable, apply_look
from appliance.stages.looks.cube import read_cube
from appliance.stages.looks.painting import add_painting, paint
from appliance.stages.looks.reference import Moments, moments, transfer

SHIPPED = Path(__file__).with_name("shipped")
_LONGEST = 512


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """A style for frames of one colour.

    Attributes:
        settings: what it was made for.
        network: paints the picture anew before the look; None: none does.
        table: the look; None: there is none, it changes nothing, or it is to be measured first.
        reference: of the picture whose look is taken over; None: the look is not a picture's.
        still: what is behind, and the same styled; None: nothing was prepared.
    """

    settings: StyleSettings
    colour: Colour
    network: PictureNetwork | None = None
    table: LookTable | None = None
    reference: Moments | None = None
    still: tuple[Frame, Frame] | None = None

    def made_for(self, settings: StyleSettings, colour: Colour) -> bool:
        """Whether these settings, and frames of this colour, want this style."""
        return self.colour == colour and (self.settings is settings or self.settings == settings)

    def grade(self, source: Moments) -> LookTable:
        """The table that gives pictures with these moments the reference's look; some 50 ms."""
        assert self.reference is not None
        faces = self.settings.on != "background"
        matrix, offset = transfer(source, self.reference, faces=faces)
        strength = self.settings.strength
        mixed: F64 = np.eye(3) + strength * (matrix - np.eye(3))
        return bake_affine(mixed, strength * offset, self.colour)


def make_style(settings: StyleSettings, colour: Colour, behind: Frame | None = None) -> Style:
    """Read the look and bake its table, which takes a second; load the network.

    ``behind``: the picture of the background if the style is for that: it is styled at once.

    Raises InputError (ModelError) for a file that cannot be used.
    """
    network = None if settings.model == "none" else load_network(settings.model)
    table: LookTable | None = None
    reference: Moments | None = None
    if settings.look != "none" and settings.strength > 0:
        look = read_look(settings.look)
        if isinstance(look, ColourCube):
            table = bake_look(look, colour, settings.strength)
        else:
            reference = moments(rgb_to_nv12(look, colour))
    style = Style(settings, colour, network, table, reference)
    if behind is None or settings.on != "background":
        return style
    made = behind
    if network is not None:
        made = Frame(np.empty_like(behind.y), np.empty_like(behind.uv), behind.colour)
        shift = paint(network, behind)
        add_painting(behind, shift, settings.strength, made, behind.rect)
    if reference is not None:
        found = moments(made)
        assert found is not None
        table = style.grade(found)
    if table is not None and table.changes:
        before = made
        made = Frame(np.empty_like(behind.y), np.empty_like(behind.uv), behind.colour)
        apply_look(before, table, made)
    return Style(settings, colour, network, table, reference, (behind, made))


def load_network(name: str) -> PictureNetwork:
    """The network of that name or path. Raises ModelError."""
    manifest = find_manifest(name, model_folders())
    return PictureNetwork(*load_manifest(manifest, task="picture"))


def look_path(name: str) -> Path | None:
    """The file of a look: one of the shipped by its name, or a path; None for none."""
    if name == "none":
        return None
    if "/" not in name and not Path(name).suffix:
        return SHIPPED / f"{name}.cube"
    return shapes.file_path(name).expanduser()


def style_files(settings: StyleSettings) -> tuple[Path, ...]:
    """The files that a style is made of; none if it is off."""
    if not settings.wanted:
        return ()
    path = look_path(settings.look)
    found = () if path is None else (path,)
    try:
        manifest = find_manifest(settings.model, model_folders()) if settings.moves else None
        return (
            found
            if manifest is None
            else (*found, manifest, load_manifest(manifest, task="picture")[1])
        )
    except ModelError:
        return found


def read_look(name: str) -> ColourCube | np.ndarray:
    """A ``.cube`` file's look, or a picture, uint8 (height, width, 3). Raises InputError."""
    path = look_path(name)
    assert path is not None
    if path.parent == SHIPPED and not path.exists():
        known = ", ".join(sorted(file.stem for file in SHIPPED.glob("*.cube")))
        raise InputError(
            f"look {name!r}: none of the shipped ones ({known}); a file of your own is named with "
            "its folder or its ending, as in ./mine.cube"
        )
    if path.suffix.lower() == ".cube":
        return read_cube(path)
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            f"look {str(path)!r}: cannot be read ({why}); name a file that is there"
        ) from error
    # Decoders are only imported when there is something to decode.
    from appliance.media.image import read_picture

    picture = read_picture(path, _LONGEST, "look") if regular else None
    if picture is None:
        raise InputError(
            f"look {str(path)!r}: is neither a .cube file nor a picture; expected a name that ends "
            "in .cube, or a PNG, JPEG, WebP or BMP"
        )
    return picture


def problems(settings: StyleSettings) -> Iterator[tuple[str, str]]:
    """What keeps a style from being used: the key within the section, and why."""
    if settings.wanted and settings.look != "none":
        try:
            read_look(settings.look)
        except InputError as error:
            yield "look", str(error)
    if settings.moves:
        try:
            load_network(settings.model)
        except ModelError as error:
            yield from (("model", line) for line in str(error).splitlines())
