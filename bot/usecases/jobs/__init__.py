"""Bulk runs over the register: import, sync, undo, and how people begin and stop them."""
