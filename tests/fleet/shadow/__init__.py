"""Device shadows: the engine held against a plain reference model that another hand wrote."""
