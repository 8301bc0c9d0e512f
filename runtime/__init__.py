"""Where it runs: settings, errors, platforms, clock, log, metrics. Knows nothing of devices."""
