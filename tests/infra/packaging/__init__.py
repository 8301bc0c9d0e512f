"""Tests of the packages that are deployed."""
