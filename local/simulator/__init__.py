"""Simulated devices: a plan gives readings, faults change them, packs carry them, the fleet sends them."""
