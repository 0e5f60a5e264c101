"""The whole path of a frame, on the CPU and on the GPU."""
