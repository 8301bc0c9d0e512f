"""Device shadows as AWS IoT keeps them: what an update, a get and a delete do, and what they answer."""
