"""The register: single registrations, labels, and all data stored about a person."""
