"""The last matte carried to the next frame by the picture's motion."""
