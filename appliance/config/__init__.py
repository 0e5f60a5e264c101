"""YAML, environment and flags become frozen settings; and settings are written back."""
