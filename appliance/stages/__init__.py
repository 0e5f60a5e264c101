"""The steps of a frame's path, each with its CPU and its GPU side."""
