"""What a page costs the person in front of it, in headless Chromium, against the budget of the interface."""
