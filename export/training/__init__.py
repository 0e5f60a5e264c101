"""Training: losses, data stream, checkpoints, the loop."""
