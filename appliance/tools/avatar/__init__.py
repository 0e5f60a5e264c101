"""Avatars: made from clips, and shown."""
