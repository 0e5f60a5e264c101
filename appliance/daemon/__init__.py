"""The appliance running: its worker, its placeholder, its changes while it runs."""
