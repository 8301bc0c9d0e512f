"""What AWS IoT has of a device, by the names that the laptop's cloud, the APIs and the infrastructure code share."""

# The one policy that every device's certificate has: its variables bind it to the thing.
DEVICE_POLICY = "fleetlake-device"
