"""Running the network on a part of a frame: crop, convert, infer."""
