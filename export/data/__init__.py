"""The packed data set, and who is in which half of it."""
