"""Every per-pixel operation: ``cpu`` is the oracle, its twin ``gpu`` has the same names."""
