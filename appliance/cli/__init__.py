"""The command line: what may be said to ``mattebox``, and which verb does it."""
