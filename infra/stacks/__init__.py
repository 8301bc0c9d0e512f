"""The stacks, one a module."""
