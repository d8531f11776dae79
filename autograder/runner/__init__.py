"""Runs submissions from outside: starts and bounds jails, sends cells, takes bytes. Trusted; believes nothing that comes back."""
