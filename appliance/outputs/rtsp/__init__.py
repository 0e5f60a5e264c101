"""The RTSP server: streams, clients, access, TLS."""
