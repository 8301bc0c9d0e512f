"""When it runs: wiring and words."""
