"""The company itself: departments, team, roles, figures and how the bot is doing."""
