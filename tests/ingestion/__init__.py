"""Tests of the way from the queue to bronze."""
