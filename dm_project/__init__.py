"""The frame of the house: wiring only, no domain words."""
