"""The person's soft shadow on what is behind."""
