"""How fast: fleetlake and its peers on the same work in one run."""
