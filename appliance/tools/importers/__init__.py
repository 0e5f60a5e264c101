"""Importers: from a downloaded file to a network with a manifest. One small file a kind."""
