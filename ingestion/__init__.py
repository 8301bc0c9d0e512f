"""Queue to bronze: each message decoded by itself, put before it is deleted, nothing lost."""
