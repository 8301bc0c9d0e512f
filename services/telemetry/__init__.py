"""Readings of devices, and SQL over the lake for whoever may see a part of it."""
