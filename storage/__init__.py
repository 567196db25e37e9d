"""Storage: the only package that knows MongoDB."""
