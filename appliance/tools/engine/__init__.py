"""TensorRT engines: built from a model's ONNX file, gated, described by a sidecar, verified."""
