"""``mattebox bench``: what a frame costs on this machine, measured, never asserted.

Nothing is imported here, so that the GPU benchmarks also run without GStreamer.
"""
