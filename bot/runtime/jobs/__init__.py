"""Bulk runs: who works on them, what carries them, and what begins them by the clock."""
