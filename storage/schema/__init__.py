"""What a newer program does to data that an older one stored."""
