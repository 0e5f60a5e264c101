"""The model card of MediaPipe's networks, as it is written beside their manifests."""

from __future__ import annotations

FOR_WHOM = (
    "better than portrait for: small people far from the camera, upright pictures of one person",
    "worse than portrait in: groups, seated people, empty rooms, bad light, edges and hair",
    "see which it is for you: mattebox snapshot --model NAME (each folder's README.md has figures)",
)

_CARD = """\
# {name}

MediaPipe's selfie segmentation, {kind} ({width}x{height} pixels), by Google, Apache-2.0. Written by
`mattebox model add selfie`, which took `{file}` out of the published
wheel of mediapipe 0.10.21, checked its SHA-256, and converted it to ONNX: the same operators in the
same order, its half-precision weights widened to float32, pictures as NCHW. Nothing was trained.

    mattebox run --model {name}

Input: RGB in 0 to 1. Output: one alpha, as large as the input.

## For whom it is better than `portrait`

- **Small people** far from the camera, a fifth of the picture's height and less.
- **Upright pictures** of one person.

`portrait` contains both of these networks since its eighth stretch of training, and learnt beside
them; on most pictures the difference is small.

## Where `portrait` is better

- **Groups, and people who sit.**
- **Empty rooms**: this one more often sees a person where there is none.
- **Dark and blown-out light**, and walls of the colour of skin.
- **Edges and hair**: its matte is coarser; also where the picture's edge cuts a person off.

`engines/portrait/README.md` has the figures of both side by side. Your own camera decides:

    mattebox snapshot --model {name} --out theirs.png
    mattebox snapshot --model portrait --out ours.png

## Which of the two

`selfie-general` (256x256) keeps more of upright pictures and of portraits; `selfie-landscape`
(256x144) is for wide pictures, and takes two thirds of the time. Measured by this project on
pictures that it keeps back from its own training, the bare network, IoU at alpha 0.5:

| pictures | general | landscape |
|---|---|---|
| 290 photographs, street and web | 0.872 | 0.857 |
| those of them that are upright | 0.910 | 0.857 |
| 15 portraits with a fine alpha | 0.925 | 0.901 |
| 60 composed from cutouts | 0.862 | 0.903 |
| 22 of people at sport, in groups | 0.873 | 0.897 |
| 67 scenes without people: share with more than 0.5 % alpha | 24 % | 51 % |
| a frame, on two cores of an AMD EPYC | 3.3 ms | 2.1 ms |
"""

_KINDS = {
    "selfie-general": ("general", 256, 256, "selfie_segmentation.tflite"),
    "selfie-landscape": ("landscape", 256, 144, "selfie_segmentation_landscape.tflite"),
}


def card(name: str) -> str:
    """The text of README.md for one of the two, by its name."""
    kind, width, height, file = _KINDS[name]
    return _CARD.format(name=name, kind=kind, width=width, height=height, file=file)
