"""The register: one registration at a time, its labels, and all that is stored about a person."""
