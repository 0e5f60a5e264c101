"""Frames between those of the source: the person moved, over the background of that time."""
