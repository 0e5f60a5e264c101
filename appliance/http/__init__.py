"""Figures, control and the page, over HTTP: in a thread of its own, which the picture never needs.

``server`` listens, ``connection`` and ``guard`` keep out what should not come in, ``routes`` says
what there is. ``site`` is what all of them know: the daemon, its settings, the folder.
"""
