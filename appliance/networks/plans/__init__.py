"""May this TensorRT plan be run here: what is known of it, and who vouches."""
