"""Around the daemon: the process, systemd, the control socket, the status line."""
