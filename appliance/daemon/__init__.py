"""The running appliance: its worker, its placeholder, and changes while it runs."""
