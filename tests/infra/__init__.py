"""Tests of what fleetlake runs on at AWS."""
