"""Things shown beside the person, or instead of them, by class."""
