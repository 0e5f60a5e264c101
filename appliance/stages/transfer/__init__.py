"""To the GPU and back: what only the path on the GPU has to do."""
