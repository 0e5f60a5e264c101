"""Rendered people: whole bodies of all ages, builds and skin tones, with true alpha."""
