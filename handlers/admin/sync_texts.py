"""Sentences about syncs, for admins."""

from typing import Final
from zoneinfo import ZoneInfo

from bot.usecases.jobs.begin_sync import LastSync
from bot.wording.sync import EFFECTS, last_line

NO_ERP: Final = (
    "Nenhum ERP está configurado. Com BALCAO_ERP_KIND e os dados de acesso, o cadastro vem dele."
)
NO_LIST: Final = (
    "A API deste ERP não oferece uma lista de clientes, por isso não há o que sincronizar. Cada "
    "cliente vem do ERP quando envia o CPF ou CNPJ no atendimento."
)


def menu(last: LastSync, *, lists_changes: bool, timezone: ZoneInfo) -> str:
    """Return the text above the buttons: what each one does, and the state of the last sync."""
    lines = [
        "🔄 <b>Sincronizar com o ERP</b>",
        "",
        "<b>Rápida</b>: atualiza quem já está no cadastro.",
        "<b>Completa</b>: também inclui quem é novo.",
    ]
    if lists_changes:
        lines.append("<b>Desde o começo</b>: lê tudo outra vez, não só o que mudou.")
    lines += [
        "",
        EFFECTS,
        "",
        last_line(last, timezone=timezone),
    ]
    return "\n".join(lines)
