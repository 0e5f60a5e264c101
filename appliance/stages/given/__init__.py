"""The matte that came with the frame, in place of a network's."""
