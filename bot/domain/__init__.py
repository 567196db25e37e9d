"""Nouns and rules: pure Python and pydantic, no I/O."""
