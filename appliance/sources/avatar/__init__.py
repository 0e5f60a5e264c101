"""avatar://: a recorded person, keyed ahead, who idles, acts and speaks."""
