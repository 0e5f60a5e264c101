"""Metrics, control and the page over HTTP, in a thread on which the picture never depends.

``server`` listens, ``connection`` and ``guard`` keep out what should not come in, ``routes`` lists
what there is. ``site`` holds what all of them share: the daemon, its settings, the folder.
"""
