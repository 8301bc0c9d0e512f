"""What is deployed to AWS, each package made by one command: ``python -m infra.packaging``, or `make packages`."""
