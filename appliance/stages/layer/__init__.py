"""The person apart from what is behind."""
