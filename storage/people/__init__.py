"""Who works here, and everything that is stored about one person."""
