"""Tags and departments."""
