"""One pulled clock for picture, sound and cues of an avatar that idles, acts and speaks."""
