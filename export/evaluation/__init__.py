"""The judge: metrics, sets of frames with true alphas, models side by side, the report."""
