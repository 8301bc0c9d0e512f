"""The whole journey through real parts, small; at full size by `make proof-NAME`."""
