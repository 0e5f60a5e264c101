"""The person in the light of the new scene."""
