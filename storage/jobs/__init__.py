"""Bulk runs with their files, choices and watermarks."""
