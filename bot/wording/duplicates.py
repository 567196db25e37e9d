"""Words for double entries: why two may be one person, and what uniting them did."""

from typing import Final

from bot.domain.pairs import Pair, PairReason
from bot.domain.registration import Registration
from bot.usecases.register.duplicates import Holding
from bot.usecases.register.unite import Separated
from bot.wording.values import LABELS
from bot.wording.words import counted

SEARCHING: Final = "Procurando cadastros repetidos"
SEARCHING_ALREADY: Final = (
    "Já há uma procura em andamento. Espere ela terminar e abra /duplicados de novo."
)
NO_PAIR: Final = "Este par saiu da lista: um dos dois foi unido, corrigido ou excluído."
CHANGED: Final = "Um dos dois cadastros mudou há pouco. Confira de novo antes de unir."
CHOOSE_DOCUMENT: Final = "Cada um tem um documento. Escolha antes qual deles fica."
DIFFERENT: Final = "👥 Anotado: são duas pessoas. O par não aparece mais."
BACK_IN_LIST: Final = "O par voltou para a lista."
NOT_UNITED: Final = "Esta união já foi desfeita."
RESTORE_FIRST: Final = (
    "O cadastro unido foi excluído. Restaure-o antes em /auditoria, e depois desfaça a união."
)
NO_COPY: Final = "Esta pessoa foi anonimizada: não há mais o que separar."
_REASONS: Final = {
    PairReason.ERP: "mesmo registro no ERP (o documento mudou lá)",
    PairReason.PHONE: "mesmo telefone",
    PairReason.EMAIL: "mesmo e-mail",
    PairReason.NAME: "nome igual ou quase igual",
    PairReason.DOCUMENTS: "documentos diferentes",
}
NOT_COMPARED: Final = ("country", "chat_phones", "erp_values", "united", "portal.password_hash")
"""Fields that are not shown side by side."""


def reasons(pair: Pair) -> str:
    """Return why the two may be one person: `mesmo telefone, nome igual ou quase igual`."""
    return ", ".join(_REASONS[reason] for reason in PairReason if reason in pair.reasons)


def holding(of: Holding) -> str:
    more = "mais de " if of.is_more else ""
    parts = [more + counted(of.conversations, "atendimento", "atendimentos")]
    if of.open:
        parts.append(counted(of.open, "aberto agora", "abertos agora"))
    parts.append(counted(of.chats, "chat", "chats"))
    return ", ".join(parts)


def separated(done: Separated) -> str:
    """Return one line without HTML."""
    text = f"✂️ União desfeita: {done.stayed.name} e {done.restored.name} são dois de novo."
    if done.kept:
        fields = ", ".join(LABELS[path].lower() for path in done.kept)
        text += f" Mudou depois da união, e ficou como está: {fields}."
    return text


def united_further(into: Registration) -> str:
    return f"Este cadastro foi unido depois a {into.name}. Desfaça antes essa união."
