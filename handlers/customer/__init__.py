"""The customer's chat."""
