"""Tests of the laptop's cloud."""
