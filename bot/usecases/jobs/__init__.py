"""Bulk jobs on the register: import, sync and undo, and their start and cancellation."""
