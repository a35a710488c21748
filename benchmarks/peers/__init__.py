"""What the product is measured against. Written here, in the shortest way that a careful reader of the
tutorials would."""
