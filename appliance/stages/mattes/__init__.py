"""Mattes drawn by hand: what is always room, and what is always kept."""
