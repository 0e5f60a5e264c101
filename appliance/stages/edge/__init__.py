"""The matte's edge as the operator wants it: shrunk or grown, and softened."""
