"""Face drivers: what a face does while its avatar speaks, as patches for the picture."""
