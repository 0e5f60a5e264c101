"""An avatar on disk: clips as mapped files, what leads from one to the next, where it all is."""
