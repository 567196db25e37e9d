"""Why an update was set aside, for the chat and the command line."""

from typing import Final

_FAULT: Final = "um erro do programa"
# By the name of the error's type, which is stored.
_WHY: Final = {
    "TryLaterError": "o Telegram ou o banco de dados não respondeu por muito tempo",
    "UnconfirmedError": "o Telegram não confirmou a resposta",
    "UnknownRefusalError": "o Telegram recusou a resposta sem um motivo conhecido",
    "RefusedError": "o Telegram ou o banco de dados recusou",
    "UnreadableError": "veio uma resposta que não sei ler",
    "TakenError": "outro processo estava com a conversa",
    "LostError": "outro processo tomou a conversa",
    "EmptyUpdateError": "a mensagem não cabe no banco de dados",
}


def why(error: str) -> str:
    """Return the reason in words; the name of an error that has none helps whoever mends it."""
    return _WHY.get(error) or (f"{_FAULT} ({error})" if error else _FAULT)
