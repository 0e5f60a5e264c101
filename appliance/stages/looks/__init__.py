"""What a style is made of: tables of colour, the look of a picture. Its steps are in ``style``."""
