"""What the steps on the GPU share: the frame in work, the memory of one size of network."""
