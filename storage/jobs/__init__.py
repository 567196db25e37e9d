"""Bulk jobs with their files, remembered options and sync state."""
