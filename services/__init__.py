"""THE APIS: users and permissions, devices, shadows, telemetry; one application of routers, each of which can be served alone."""
