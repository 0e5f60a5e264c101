"""Further programmes beside the box's own: each with its own avatar, clock, background, streams."""
