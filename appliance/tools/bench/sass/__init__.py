"""The kernels' own machine code, read, and run on the host: what a GPU would issue and move."""
