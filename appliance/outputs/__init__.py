"""Where frames go: RTSP, a display, files, a loopback camera, nowhere."""
