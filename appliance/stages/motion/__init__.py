"""How the picture moves: one estimate a frame, shared by all who need it."""
