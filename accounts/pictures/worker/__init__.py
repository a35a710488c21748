"""The worker process that decodes pictures. Imports nothing else of the product, and no Django."""
