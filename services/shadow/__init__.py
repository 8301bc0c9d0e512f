"""Shadows over HTTP: AWS IoT's own documents, a cache of them, their history."""
