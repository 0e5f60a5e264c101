"""Alpha where the background is known: each pixel lies between it and the person's colour.

Closed-form matting (Levin et al., 2008) guesses both colours of a pixel from its neighbours. Before
a fitted wall or an empty scene one of them is known, and the person's is near by, so that alpha is
its share along the line between the two; the neighbours then only smooth it. Codecs keep half
the chroma in each direction, so chroma is off by what it changes in a few pixels: a label that
believes it is a pixel too wide. Measured on composed, coded clips in docs/data.md.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from export.images import FloatImage, UInt8Image

_NOISE = 2.5  # of a camera and its codec, in grey levels
_SLOPES = (0.1, 3.0, 3.0)  # error of Y, Cr, Cb in units of their change over a pixel
_REACH = 3.0  # sigma, in pixels, of where the person's colour is looked for
_SURE = 40.0  # squared contrast, in units of the error, from which a pixel's alpha is believed
_WEIGHT = 0.1  # of a believed alpha against the smoothness
_SMOOTH = 1e-3  # epsilon of the closed-form Laplacian
_MARGIN = 12  # pixels round the person that the Laplacian sees


def _ycc(image: UInt8Image) -> FloatImage:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb), np.float32)


def projected(
    image: UInt8Image, background: UInt8Image, known: FloatImage
) -> tuple[FloatImage, FloatImage]:
    """Alpha of each pixel by itself, 0..1, and how far to believe it, 0..1, both float32 (h, w).

    ``alpha = (I - B) W (F - B) / (F - B) W (F - B)`` with W the inverse of each channel's error:
    noise, spread of F, and what the channel's slope makes of a displaced edge. `image` and
    `background` BGR uint8 (h, w, 3); F is the mean of near pixels where `known` is 1.
    """
    seen, behind = _ycc(image), _ycc(background)
    sure = (known == 1).astype(np.float32)
    near = cv2.GaussianBlur(sure, (0, 0), _REACH)
    share = np.maximum(near, 1e-6)[..., None]
    person = cv2.GaussianBlur(seen * sure[..., None], (0, 0), _REACH) / share
    squares = cv2.GaussianBlur(seen * seen * sure[..., None], (0, 0), _REACH) / share
    error = _NOISE**2 + np.maximum(squares - person * person, 0)
    for channel, weight in enumerate(_SLOPES):
        plane = seen[..., channel]
        slope = np.hypot(
            cv2.Sobel(plane, cv2.CV_32F, 1, 0, scale=1 / 8),
            cv2.Sobel(plane, cv2.CV_32F, 0, 1, scale=1 / 8),
        )
        error[..., channel] += (weight * cv2.dilate(slope, np.ones((3, 3), np.uint8))) ** 2
    apart = person - behind
    contrast = (apart * apart / error).sum(axis=2)
    alpha = ((seen - behind) * apart / error).sum(axis=2) / np.maximum(contrast, 1e-6)
    believed = np.where(near < 1e-4, 0, np.minimum(contrast, _SURE) / _SURE)
    return np.clip(alpha, 0, 1).astype(np.float32), believed.astype(np.float32)


def alpha_before(
    image: UInt8Image, background: UInt8Image, known: FloatImage
) -> NDArray[np.float64]:
    """Alpha (h, w), 0..1, of an image before a background, both BGR uint8 (h, w, 3).

    `known` is a trimap (0, 0.5, 1). Raises ValueError when no pixel of it is foreground.
    """
    # Imported late: numba compiles pymatting for half a minute the first time.
    from pymatting import cf_laplacian
    from scipy.sparse import diags
    from scipy.sparse.linalg import cg

    if not (known == 1).any():
        raise ValueError("the trimap has no sure foreground, at least one pixel expected")
    rows, columns = np.nonzero(known)
    part = tuple(
        slice(max(0, int(at.min()) - _MARGIN), int(at.max()) + _MARGIN + 1)
        for at in (rows, columns)
    )
    alpha, believed = projected(image, background, known)
    fixed = known[part] != 0.5
    rgb = np.ascontiguousarray(image[part][..., ::-1]).astype(np.float64) / 255.0
    laplacian = cf_laplacian(rgb, epsilon=_SMOOTH, radius=1, is_known=fixed)
    wanted = np.where(fixed, known[part], alpha[part]).astype(np.float64).ravel()
    weight = (_WEIGHT * believed[part]).astype(np.float64).ravel()
    # (L + W) alpha = W wanted over the unknown pixels; the known ones go to the right.
    unknown = np.flatnonzero(~fixed.ravel())
    if len(unknown):
        rows_of = laplacian[unknown]
        system = rows_of[:, unknown] + diags(weight[unknown])
        given = np.where(fixed.ravel(), wanted, 0.0)
        right = weight[unknown] * wanted[unknown] - rows_of @ given
        scale = diags(1 / np.maximum(system.diagonal(), 1e-12))
        solved, _ = cg(system, right, x0=wanted[unknown], rtol=1e-5, maxiter=400, M=scale)
        wanted[unknown] = solved
    result = known.astype(np.float64)
    result[part] = wanted.reshape(fixed.shape)
    return np.clip(result, 0, 1)
