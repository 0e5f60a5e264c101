"""Auto-framing: the person followed, centred and brought to size, over a still background."""
