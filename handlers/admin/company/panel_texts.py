"""Sentences around the charts of the panel."""

from collections.abc import Iterable
from html import escape
from typing import Final

from bot.domain.panel import MAX_DAYS, Period, PeriodRefusal
from bot.wording.panel import period

DRAWING: Final = "Desenhando…"
MENU: Final = (
    "📊 <b>Painel</b>\n\n"
    "Espera, departamentos, cadastro e identificação, em gráficos. De que período?"
)
ASK_DATES: Final = (
    "📅 <b>Escolher datas</b>\n\nEscreva o primeiro e o último dia: "
    "<code>01/11/2026 a 20/11/2026</code>, ou um dia só."
)
NOT_DRAWN: Final = "⚠️ Não consegui desenhar os gráficos agora. Os números são estes:"
_REFUSALS: Final = {
    PeriodRefusal.NOT_DATES: "⚠️ Não entendi as datas. Escreva como 01/11/2026 a 20/11/2026.",
    PeriodRefusal.NO_SUCH_DAY: "⚠️ Uma dessas datas não existe no calendário. Confira dia e mês.",
    PeriodRefusal.REVERSED: "⚠️ O último dia vem antes do primeiro. Comece pelo mais antigo.",
    PeriodRefusal.FUTURE: "⚠️ Esse período ainda não terminou: o último dia pode ser hoje, não "
    "depois.",
    PeriodRefusal.TOO_LONG: f"⚠️ O período passa de {MAX_DAYS} dias. Escolha um menor.",
}


def caption(of: Period, lines: Iterable[str]) -> str:
    return "\n".join([f"📊 <b>{period(of)}</b>", *map(escape, lines)])


def not_drawn(of: Period, lines: Iterable[str]) -> str:
    return f"{NOT_DRAWN}\n\n{caption(of, lines)}"


def again(of: Period | None) -> str:
    """Return the text of the menu. of: the period of the charts above it, if any were shown."""
    if of is None:
        return MENU
    return f"📊 <b>Painel</b>\n\nAcima: {period(of)}. Outro período?"


def refusal(why: PeriodRefusal) -> str:
    return _REFUSALS[why]
