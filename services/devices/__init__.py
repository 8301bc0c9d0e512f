"""Devices: the registry beside AWS IoT's things, their certificates, search, import and history."""
