"""The box and its operating system: logs, folders, devices, temperature; knows no pictures."""
