"""Importers: from a downloaded ONNX file to a network with a manifest. One small file a kind."""
