"""Team, queues, figures, status, backups and personal data."""
