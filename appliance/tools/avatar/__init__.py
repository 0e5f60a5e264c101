"""``mattebox avatar``: from clips of a person to an avatar, and what avatars there are."""
