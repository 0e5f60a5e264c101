"""A look at a part of a frame: crop, convert, run the network."""
