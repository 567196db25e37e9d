"""Shared parts of the commands: printing, questions, progress and saved files."""
