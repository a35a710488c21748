"""Static files: minification and hashed names."""
