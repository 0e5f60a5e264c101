"""The built-in face driver: mouths of the avatar's own footage, laid over the frame shown.

Bregler, Covell and Slaney, "Video Rewrite: Driving Visual Speech with Audio", 1997: of all mouths
the one that fits what is said and goes on from the last one, in the colour of its surroundings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from appliance.avatars.avatar import Avatar
from appliance.errors import AvatarError, FaceError
from appliance.faces import region
from appliance.faces.bank import Bank, load_bank
from appliance.faces.base import FaceSpec, Patch, Shown, Spoken
from appliance.faces.choose import Chooser
from appliance.faces.colours import RingMatch
from appliance.faces.intent import Intent, intent_of
from appliance.faces.track import Face, load_faces
from appliance.media.frame import Rect

_MAKE = "mattebox avatar make"
# Of a base picture's own mouth: so far open it would be seen to speak in a pause.
_OPEN = 0.2


class MouthBank:
    """Patches from the bank, tick by tick; silence leaves the base picture as it is.

    In a pause within speech, a base picture whose own mouth is open (a clip of somebody talking)
    gets a closed one; where it is closed, as in an idle clip, nothing is changed.
    """

    name = "mouths"
    spec = FaceSpec()

    def __init__(self) -> None:
        self._bank: Bank | None = None
        self._faces: dict[str, Face] = {}
        self._chooser: Chooser | None = None
        self._tick_ms = 40.0
        self._last: Intent | None = None
        self._warp, self._match = region.Warp(), RingMatch()
        self._texture = region.mask_texture()

    def prepare(self, avatar: Avatar) -> None:
        """Read where the face is, and the bank. Raises FaceError when the avatar has none."""
        manifest, folder = avatar.manifest, avatar.folder
        if not manifest.faces or not manifest.mouths:
            raise FaceError(
                f"{avatar.name}: has no mouths: none of its clips shows somebody speaking, or no "
                f"network found the face when it was made; add the network (mattebox model add "
                f"face), then make it again: {_MAKE}"
            )
        digests = {clip.name: clip.digest for clip in manifest.clips}
        try:
            self._faces = load_faces(folder / manifest.faces, digests)
            self._bank = load_bank(folder / manifest.mouths)
        except AvatarError as error:
            raise FaceError(str(error)) from error
        if not self._faces:
            raise FaceError(
                f"{avatar.name}: {manifest.faces} is of other clips; make it again: {_MAKE}"
            )
        self._chooser = Chooser(self._bank)
        fps = avatar.format.fps
        self._tick_ms = 1000 * fps[1] / fps[0]

    def step(
        self, turn: int, shown: Sequence[Shown], spoken: Sequence[Spoken]
    ) -> list[Patch | None]:
        """See ``FaceDriver``. Raises FaceError before ``prepare``."""
        if self._bank is None or self._chooser is None:
            raise FaceError("the mouth bank is asked before it was given an avatar")
        return [
            self._one(self._bank, self._chooser, base, said)
            for base, said in zip(shown, spoken, strict=True)
        ]

    def reset(self, turn: int) -> None:
        """Forget the last mouth."""
        self._last = None
        if self._chooser is not None:
            self._chooser.reset()

    def close(self) -> None:
        """Nothing is open; the arrays go."""
        self._bank, self._chooser, self._faces = None, None, {}

    def _one(self, bank: Bank, chooser: Chooser, base: Shown, said: Spoken) -> Patch | None:
        intent = intent_of(said, self._tick_ms, self.spec.rate, self._last)
        self._last = intent
        face = self._faces.get(base.clip)
        place = None if face is None else face.at(base.frame)
        if intent is None or face is None or place is None:
            chooser.reset()
            return None
        if intent.silent:
            apart = float(face.mouth[base.frame, 0])
            if (apart - bank.shut[0]) / (bank.shut[1] - bank.shut[0]) < _OPEN:
                chooser.reset()
                return None
        around = region.ring(base.y, place)
        chosen = chooser(intent, face.turn[base.frame], abs(place[0]), around)
        return self._lay(bank, chosen, place, base)

    def _lay(
        self, bank: Bank, chosen: int, place: tuple[complex, complex], base: Shown
    ) -> Patch | None:
        """The mouth ``chosen``, as the face lies in the base picture, in its colours."""
        rows, columns = base.y.shape
        rect = region.bounds(*place).intersect(Rect(0, 0, columns, rows))
        if rect.width < 2 or rect.height < 2:
            return None
        y = np.empty((rect.height, rect.width), np.uint8)
        uv = np.empty((rect.height // 2, rect.width // 2, 2), np.uint8)
        mask = np.empty_like(y)
        source = (complex(bank.place[chosen, 0]), complex(bank.place[chosen, 1]))
        self._warp.planes(bank.y[chosen], bank.uv[chosen], source, place, rect, y, uv)
        self._warp.mask(self._texture, place, rect, mask)
        under = base.y[rect.y : rect.bottom, rect.x : rect.right]
        under_uv = base.uv[rect.y // 2 : rect.bottom // 2, rect.x // 2 : rect.right // 2]
        self._match(y, under, mask)
        self._match(uv, under_uv, mask)
        on = Rect(base.rect.x + rect.x, base.rect.y + rect.y, rect.width, rect.height)
        return Patch(on, y, uv, mask)
