"""A look on the person, on what is behind, or on all."""
