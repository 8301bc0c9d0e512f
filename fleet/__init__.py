"""WHAT THE FLEET IS: shadow documents, the tables of users, devices and shadows. Knows the runtime alone."""
