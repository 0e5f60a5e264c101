"""Whether a TensorRT plan may run here: what is known about it, and what vouches for it."""
