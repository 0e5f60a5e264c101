"""Encoding once for all outputs that ask for the same: packets, encoders, who takes from them."""
