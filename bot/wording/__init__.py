"""pt-BR that the chat, the command line and files share; knows nothing of Telegram."""
