"""Detectors and the remaining-useful-life model: features, training, evaluation, registry."""
