"""pt-BR texts that the chat, the command line and files share; independent of Telegram."""
