"""Programs for developers and operators; pytest does not collect them."""
