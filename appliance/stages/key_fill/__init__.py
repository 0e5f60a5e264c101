"""What outputs ask for beside the composite: a key, its fill, the person over one colour."""
