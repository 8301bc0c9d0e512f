"""One construct for each concept that several stacks share."""
