"""Pushed outputs, against real receivers."""
