"""TensorFlow Lite files: read, and converted to ONNX graphs."""
