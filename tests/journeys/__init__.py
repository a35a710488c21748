"""What people do with the product, in real browsers against the real service. Few, slow, whole."""
