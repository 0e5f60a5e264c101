"""Outputs that bring the stream to a receiver elsewhere: SRT, RTMP, RTSP to a media server."""
