"""Where frames come from: cameras, streams, files, patterns and the demo."""
