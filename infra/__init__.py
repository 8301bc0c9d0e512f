"""What fleetlake runs on at AWS: CDK stacks made from one configuration, with the names that the code itself uses."""
