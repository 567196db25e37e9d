"""What the product does, in rooms by subject; imports only the domain."""
