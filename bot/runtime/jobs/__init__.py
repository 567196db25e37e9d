"""Bulk jobs: their workers, their broker, the schedule of syncs, and backups asked for in chat."""
