"""A screen: the output, the process that owns the window, what draws in it."""
