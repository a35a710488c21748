"""What people say to each other, in two."""
