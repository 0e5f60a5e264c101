"""Up to an hour's frames with every fault, at random: ``python -m tests.soak --help``."""
