"""The company: departments, team, roles, figures, retention and the bot's status."""
