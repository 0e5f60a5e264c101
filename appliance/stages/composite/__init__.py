"""The person over the background: the last step that touches pixels."""
