"""The domain: models and rules in pure Python and pydantic, without I/O."""
