"""Messages between customers and attendants: what is taken, and how it is delivered."""
