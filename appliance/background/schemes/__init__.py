"""One file a scheme: what its addresses look like, what it can do, and how it is opened."""
