"""What the GPU steps share: the frame being processed, and the memory for one network size."""
