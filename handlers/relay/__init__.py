"""Messages between customers and attendants: their content and their delivery."""
