"""What the commands share: how they print, ask, show progress and save."""
