"""The man page and the shells' completions, made from the parser of the command line.

For ``make install`` and ``make deb``, which run with the system's Python and without the network:
the standard library only.
"""
