"""An hour's frames, or fewer, with every fault at random: ``python -m tests.soak --help``."""
