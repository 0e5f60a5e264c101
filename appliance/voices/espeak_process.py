"""The program that holds espeak-ng's library, whose licence (GPL) and crashes stay out of ours.

Run by its path, without the rest of Mattebox. It reads a request a line on stdin and answers on
stdout, each answer a line of JSON and then, if it says so, so many bytes of int16 samples:

    < {"text": "Hello", "voice": "en", "wpm": 175}
    > {"rate": 22050, "bytes": 30720, "marks": [[0.0, "word", 0, 5], [0.0, "phone", "h"], …]}
    > {"error": "…"}

Times are milliseconds, places characters. The first line it writes says what there is:

    > {"ready": "1.51", "voices": ["af", "am", …]}
"""

from __future__ import annotations

import ctypes
import json
import os
import sys

LIBRARY = "libespeak-ng.so.1"
_SYNCHRONOUS = 2
_PHONEME_EVENTS, _IPA, _STAY = 1, 2, 0x8000
_UTF8, _BY_CHARACTER, _RATE_PARAMETER = 1, 1, 1
_WORD, _PHONE = 1, 7
_MOST_BYTES = 64 << 20


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique", ctypes.c_uint),
        ("position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user", ctypes.c_void_p),
        ("id", _Id),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.POINTER(ctypes.c_char)),  # priority, tag, 0, …, 0
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("spare", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("user", ctypes.c_void_p),
    )


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class EspeakLibrary:
    """espeak-ng's library, as far as it is used here."""

    def __init__(self) -> None:
        """Load it. Raises OSError when it or its data is missing."""
        self._library = ctypes.CDLL(LIBRARY)
        self._library.espeak_Info.restype = ctypes.c_char_p
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._library.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint,
            ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
        options = _PHONEME_EVENTS | _IPA | _STAY
        self.rate = self._library.espeak_Initialize(_SYNCHRONOUS, 200, None, options)
        if self.rate <= 0:
            raise OSError("espeak-ng finds no data: apt-get install espeak-ng-data")
        self._callback = _CALLBACK(self._take)
        self._library.espeak_SetSynthCallback(self._callback)
        self._sound = bytearray()
        self._marks: list[list[object]] = []
        self._voice = ""

    @property
    def version(self) -> str:
        """As the library says."""
        return str(self._library.espeak_Info(None).decode("ascii", "replace"))

    def voices(self) -> list[str]:
        """The tags of the languages that it speaks."""
        found, listed = set(), self._library.espeak_ListVoices(None)
        index = 0
        while listed[index]:
            tag = ctypes.cast(listed[index].contents.languages, ctypes.c_void_p).value
            identifier = listed[index].contents.identifier or b""
            if tag and not identifier.startswith(b"mb/"):  # those of MBROLA need its program
                found.add(ctypes.string_at(tag + 1).decode("ascii", "replace").lower())
            index += 1
        return sorted(found)

    def speak(self, text: str, voice: str, wpm: int) -> tuple[bytes, list[list[object]]]:
        """Samples, int16, and marks. Raises OSError when it cannot."""
        if voice != self._voice and self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise OSError(f"espeak-ng has no voice {voice}")
        self._voice = voice
        self._library.espeak_SetParameter(_RATE_PARAMETER, wpm, 0)
        self._sound.clear()
        self._marks = []
        data = text.encode() + b"\0"
        code = self._library.espeak_Synth(data, len(data), 0, _BY_CHARACTER, 0, _UTF8, None, None)
        if code != 0:
            raise OSError(f"espeak-ng failed with {code}")
        return bytes(self._sound), self._marks

    def _take(self, samples: object, count: int, events: object) -> int:
        if samples and count > 0:
            self._sound += ctypes.string_at(samples, 2 * count)  # type: ignore[arg-type]
        index = 0
        while events[index].type != 0:  # type: ignore[index]
            event = events[index]  # type: ignore[index]
            ms = 1000.0 * event.sample / self.rate
            if event.type == _WORD:
                self._marks.append([ms, "word", event.position - 1, event.length])
            elif event.type == _PHONE:
                self._marks.append([ms, "phone", event.id.string.decode("utf-8", "ignore")])
            index += 1
        return int(len(self._sound) > _MOST_BYTES)


def main() -> None:
    """Answer until stdin ends."""
    # Whatever a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def answer(head: dict[str, object], data: bytes = b"") -> None:
        answers.write(json.dumps(head).encode() + b"\n" + data)
        answers.flush()

    try:
        speaker = EspeakLibrary()
    except OSError as error:
        answer({"error": str(error)})
        return
    answer({"ready": speaker.version, "voices": speaker.voices()})
    for line in sys.stdin.buffer:
        request = json.loads(line)
        try:
            sound, marks = speaker.speak(request["text"], request["voice"], request["wpm"])
        except OSError as error:
            answer({"error": str(error)})
            continue
        answer({"rate": speaker.rate, "bytes": len(sound), "marks": marks}, sound)


if __name__ == "__main__":
    main()
