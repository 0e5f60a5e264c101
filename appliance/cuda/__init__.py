"""The GPU as a device: context, memory, graphs, compiled kernels; nothing of matting."""
