"""The network behind one small protocol, and the manifest that describes it."""
