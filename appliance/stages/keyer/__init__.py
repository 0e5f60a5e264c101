"""A chroma keyer, together with the network or by itself."""
