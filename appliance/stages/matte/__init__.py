"""From raw alpha to the matte that is composited: clean, steady, refine."""
