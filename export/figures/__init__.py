"""Rendered people: whole bodies of all ages, builds and skins, with true alpha."""
