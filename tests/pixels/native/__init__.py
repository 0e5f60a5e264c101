"""Tests of ``appliance.pixels.native``."""
