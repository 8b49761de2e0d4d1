"""Glue to systemd, launchd and the Windows service manager."""
