"""Sentences about opening hours and holidays, for admins."""

from typing import Final

from aiogram import html

from bot.domain.conversation import Department
from bot.domain.hours_tokens import Fault, NotUnderstood
from bot.domain.opening_hours import Closed, Holiday, OpeningHours
from bot.wording import hours as wording
from bot.wording.words import counted, short

HOURS: Final = "🕐 Horário"
WRITE_HOURS: Final = "✏️ Escrever o horário"
HOLIDAYS: Final = "🎉 Feriados"
ALWAYS: Final = "♾ Sempre aberto"
WRITE_DATES: Final = "✏️ Escrever datas"
NATIONAL: Final = "🇧🇷 Pôr os feriados nacionais"
SAVE: Final = "✅ Guardar"
AGAIN: Final = "✏️ Escrever de novo"
SAVED: Final = "✅ Guardado."
TOO_MANY: Final = "⚠️ São datas demais: cabem até 150. Tire algumas antes."

_EXAMPLE: Final = "<code>seg a sex 8h-18h, sáb 8h-12h</code>"
ASK_HOURS: Final = (
    "Escreva os dias e as horas em uma mensagem, por exemplo:\n\n"
    f"{_EXAMPLE}\n"
    "<code>seg a sex 8h-12h e 13h30-18h</code>\n"
    "<code>sex e sáb 18h-2h</code> (até as 2h do dia seguinte)\n\n"
    "O dia que você não citar fica fechado. Nada vale antes de você conferir."
)
ASK_DATES: Final = (
    "Escreva as datas em uma mensagem, por exemplo:\n\n"
    "<code>25/12, 01/01</code> (todos os anos)\n"
    "<code>16/02/2027</code> (só nesse ano, como o Carnaval)\n"
    "<code>24/12 8h-12h</code> (abre menos tempo)\n"
    "<code>24/12 a 02/01</code> (vários dias seguidos)\n\n"
    "Elas se juntam às que já estão na lista."
)


def hours(department: Department, closed: Closed | None) -> str:
    """Return the screen of a department's hours. closed: None if it is open now."""
    lines = [f"🕐 <b>Horário · {html.quote(department.shown)}</b>", ""]
    lines += [*wording.week(department.hours), ""]
    if department.hours.holidays:
        lines += [f"🎉 {counted(len(department.hours.holidays), 'feriado', 'feriados')}", ""]
    lines.append(f"Agora: {_now(closed)}.")
    if department.hours.is_always:
        lines.append("Com um horário, quem escreve fora dele fica sabendo quando vocês abrem.")
    return "\n".join(lines)


def in_short(hours: OpeningHours) -> str:
    """Return the hours in one line."""
    holidays = len(hours.holidays)
    more = f" · {counted(holidays, 'feriado', 'feriados')}" if holidays else ""
    return f"🕐 {'; '.join(wording.week(hours))}{more}"


def holidays(department: Department) -> str:
    title = f"🎉 <b>Feriados · {html.quote(department.shown)}</b>"
    if not department.hours.holidays:
        return (
            f"{title}\n\nNenhum ainda. O botão dos feriados nacionais põe os nove que caem sempre "
            "na mesma data; Carnaval, Sexta-feira Santa e Corpus Christi mudam a cada ano, e "
            "você os escreve com o ano."
        )
    return f"{title}\n\nNestas datas vale o horário delas. Toque em uma para tirar."


def understood(draft: OpeningHours, dates: list[Holiday], closed: Closed | None, lost: int) -> str:
    """Return what was understood, to be confirmed.

    dates: the holidays that were written; without them the week was. lost: how many holidays are
    taken off.
    """
    lines = [wording.holiday(one) for one in dates[:40]] if dates else wording.week(draft)
    if len(dates) > 40:
        lines.append(f"… e mais {len(dates) - 40}")
    if lost:
        lines += ["", f"⚠️ Os feriados saem também ({counted(lost, 'data', 'datas')})."]
    return "\n".join(["Entendi assim:", "", *lines, "", f"Com isso, agora: {_now(closed)}."])


def removed(one: Holiday) -> str:
    return f"✅ Tirado: {wording.holiday(one)}."


def _now(closed: Closed | None) -> str:
    if closed is None:
        return "aberto"
    opens = wording.opens(closed)
    return f"fechado, e abre {opens}" if opens else "fechado"


def not_understood(found: NotUnderstood, *, is_date: bool) -> str:
    """Return what is wrong with the text, and what to write. is_date: holidays were asked for."""
    about = f"“{html.quote(short(found.about, 40))}”"
    example = "<code>24/12 8h-12h</code>" if is_date else _EXAMPLE
    day = wording.WEEKDAYS[found.day]
    no_date = f"Não achei uma data em {about}" if found.about else "Não achei nenhuma data"
    sentence = {
        Fault.NOTHING: f"{no_date}. Escreva dia e mês, como <code>25/12</code>."
        if is_date
        else f"Faltaram os dias e as horas. Escreva como em {example}.",
        Fault.WORD: f"Não entendi {about}. Escreva só dias e horas, como em {example}.",
        Fault.TIME: f"{about} não existe: o dia vai de 0h a 24h.",
        Fault.NO_DAY: f"De {'que data' if is_date else 'que dias'} é o horário que começa em "
        f"{about}? Escreva antes das horas, como em {example}.",
        Fault.NO_TIME: f"Faltou o horário de {day}. Escreva as horas, ou <code>{day} "
        "fechado</code>.",
        Fault.HALF: f"{about} está sem par: escreva de que horas até que horas, como em "
        f"{example}.",
        Fault.SAME: f"{about} é o começo e o fim. Para o dia todo, escreva "
        f"<code>{'24/12' if is_date else 'seg'} 0h-24h</code>.",
        Fault.OVERLAP: f"Dois horários de {about if is_date else day} se cruzam: o segundo "
        "começa antes de o primeiro acabar.",
        Fault.NEVER: "Assim não abriria em dia nenhum. Para fechar por uns dias, use Feriados.",
        Fault.HOLIDAY: "Feriados têm um botão só deles. Aqui escreva só os dias da semana.",
        Fault.DATE: f"{about} não existe no calendário.",
        Fault.PAST: f"{about} já passou. Sem o ano, a data vale todos os anos.",
        Fault.LONG: f"De {about} são mais de 60 dias, ou a ordem está trocada.",
    }[found.fault]
    return f"⚠️ {sentence}"
