"""``mattebox bench``: what a frame costs on this machine. Measured, never asserted.

Nothing is imported here: what measures a GPU also runs where there is no GStreamer.
"""
