"""To the GPU and back: what only the GPU path has to do."""
