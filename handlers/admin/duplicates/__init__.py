"""Double entries: the list, two side by side, their union and what undoes it."""
