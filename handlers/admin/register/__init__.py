"""The register's screens: search, record, editor and wizard."""
