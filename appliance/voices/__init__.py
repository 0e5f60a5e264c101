"""Text to speech: what a voice is, and the voices there are."""
