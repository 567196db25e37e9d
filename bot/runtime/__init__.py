"""The machinery of the running bot: updates, sending, jobs, files, charts, leases, health."""
