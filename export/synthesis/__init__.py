"""Making training scenes: cutouts placed on backgrounds, lit, filmed and degraded."""
