"""What the fleet is: the rules of its devices, pure, for whoever stores or serves them."""
