"""CPU kernels as machine code in files: compiled once by numba, from then on loaded without it."""
