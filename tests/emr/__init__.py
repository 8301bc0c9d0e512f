"""EMR Serverless as our operator meets it: a stand-in that runs its jobs for real."""
