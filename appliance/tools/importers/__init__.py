"""Importers, one small file each: from a downloaded ONNX file to a network with a manifest."""
