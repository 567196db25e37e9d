"""Charts as PNGs, drawn in a process of their own."""
