"""A screen: the output, the process that owns the window, and what draws in it."""
