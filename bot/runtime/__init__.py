"""What keeps it running: updates in, messages out, jobs, files, charts, leases, health."""
