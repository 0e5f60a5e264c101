"""Every per-pixel operation: ``cpu`` is the oracle, the GPU's twin has the same names."""
