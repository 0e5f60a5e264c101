"""What stands behind the person: a picture, a video, a colour, a gradient, the blurred scene."""
