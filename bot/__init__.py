"""What the product does, and the wiring."""
