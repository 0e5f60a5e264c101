"""Captions: lines, drawing, WebVTT and SRT."""
