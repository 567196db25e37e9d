"""The figures of the panel as charts, and its main numbers as sentences. Plain text."""

from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate
from typing import Final

from bot.domain.chart import Bar, Chart, Row, Tone
from bot.domain.panel import DepartmentCount, Figures, KindCount, Outcome, Period, Wait
from bot.wording.words import KINDS, clock_of, number

_OUTCOMES: Final = {
    Outcome.VERIFIED: "Verificado",
    Outcome.NOT_VERIFIED: "Não verificado",
    Outcome.NEW_PROSPECT: "Novo prospect",
    Outcome.NOT_IDENTIFIED: "Não identificado",
    Outcome.NOT_CONSULTED: "ERP não consultado",
}
_CHARTED: Final = 8
_TOLD: Final = 3
_UNKNOWN: Final = "Departamento desconhecido"
# Factor of the limit of bars: the waits of one unattended night would make every other bar too
# short to see.
_CUT_AT: Final = 5


def charts(figures: Figures) -> tuple[Chart, ...]:
    """Return the charts that have data to show."""
    drawn = []
    if figures.wait is not None:
        drawn = [_waits(figures, figures.wait), _departments(figures), _outcomes(figures)]
    if figures.register.total:
        drawn.insert(2, _register(figures))
    return tuple(drawn)


def period(of: Period) -> str:
    """Return the period in words: `24/11/2026` or `18/11/2026 a 24/11/2026`."""
    if of.days == 1:
        return f"{of.first:%d/%m/%Y}"
    return f"{of.first:%d/%m/%Y} a {of.last:%d/%m/%Y}"


def lasting(seconds: float) -> str:
    """Return a wait in words: `45 s`, `3 min`, `1 h 5 min`, `2 dias 3 h`."""
    if seconds < 60:
        return f"{round(seconds)} s" if round(seconds) < 60 else "1 min"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours + (minutes >= 30), 24)
    shown = _many(days, "dia", "dias")
    return f"{shown} {hours} h" if hours else shown


def summary(figures: Figures) -> Iterator[str]:
    """Yield the main numbers, with one or two sentences per chart.

    Also yield a sentence when no conversation was opened.
    """
    wait = figures.wait
    if wait is None:
        when = "em" if figures.period.days == 1 else "de"
        yield f"Nenhum atendimento foi aberto {when} {period(figures.period)}."
    else:
        yield (
            f"{_many(wait.count, 'atendimento', 'atendimentos')}: "
            f"{_many(figures.open, 'aberto', 'abertos')}, "
            f"{_many(figures.closed, 'encerrado', 'encerrados')}, "
            f"{number(figures.priority)} com prioridade."
        )
        yield from _told_waits(figures, wait)
        yield _told_departments(figures.departments)
        yield f"Identificação: {_told_outcomes(figures)}."
    yield _told_register(figures)


def _told_waits(figures: Figures, wait: Wait) -> Iterator[str]:
    yield (
        f"Espera: metade esperou até {lasting(wait.median_s)}, e 90% até {lasting(wait.most_s)}."
    )
    if len(figures.hours) > 1:
        hour, worst = max(figures.hours.items(), key=lambda item: item[1].most_s)
        yield f"Hora de maior espera: {hour}h, 90% esperaram até {lasting(worst.most_s)}."
    if wait.unclaimed:
        yield _unclaimed(wait.unclaimed)


def _unclaimed(count: int) -> str:
    if count == 1:
        return "1 não foi assumido por ninguém: conta a espera até encerrar, ou até agora."
    return (
        f"{number(count)} não foram assumidos por ninguém: conta a espera até encerrar, ou até "
        "agora."
    )


def _told_departments(departments: Sequence[DepartmentCount]) -> str:
    told = [f"{one.name or _UNKNOWN} {number(one.total)}" for one in departments[:_TOLD]]
    if more := len(departments) - len(told):
        told.append(f"e mais {_many(more, 'departamento', 'departamentos')}")
    return f"Por departamento: {', '.join(told)}."


def _told_outcomes(figures: Figures) -> str:
    return ", ".join(
        f"{name[0].lower() if name[1].islower() else name[0]}{name[1:]} {number(count)}"
        for outcome, name in _OUTCOMES.items()
        if (count := figures.outcomes.get(outcome, 0))
    )


def _told_register(figures: Figures) -> str:
    register = figures.register
    if not register.total:
        return "O cadastro está vazio."
    kinds = ", ".join(
        f"{KINDS[one.kind].lower()} {number(one.total)}" for one in register.kinds if one.total
    )
    return (
        f"Cadastro agora: {_many(register.active, 'ativo', 'ativos')} e "
        f"{_many(register.inactive, 'inativo', 'inativos')} ({kinds})."
    )


def _subtitle(figures: Figures) -> str:
    return f"{period(figures.period)} · {clock_of(figures.timezone)}"


def _waits(figures: Figures, wait: Wait) -> Chart:
    limit = _limit(figures.hours.values())
    note = "Só aparecem as horas em que alguém chegou. "
    if wait.unclaimed:
        note += _unclaimed(wait.unclaimed) + " "
    if limit is not None:
        note += "Barra interrompida: a espera é maior do que cabe na figura."
    return Chart(
        title="Espera por hora de chegada",
        subtitle=_subtitle(figures),
        legend=(
            (Tone.MAIN, "metade esperou até (1º número, mediana)"),
            (Tone.LIGHT, "90% esperaram até (2º número)"),
        ),
        rows=tuple(
            Row(
                f"{hour:02d}h",
                (
                    Bar(one.most_s, Tone.LIGHT),
                    Bar(
                        one.median_s,
                        Tone.MAIN,
                        f"{lasting(one.median_s)} · {lasting(one.most_s)}",
                    ),
                ),
            )
            for hour, one in figures.hours.items()
        ),
        note=note.strip(),
        overlaid=True,
        limit=limit,
    )


def _limit(hours: Collection[Wait]) -> float | None:
    """Return the value at which bars are cut, or None if none is longer.

    It is `_CUT_AT` times the 90th percentile in the hour of the median conversation, with the
    hours sorted by that percentile.
    """
    ordered = sorted(hours, key=lambda one: one.most_s)
    half = sum(one.count for one in hours) / 2
    passed = accumulate(one.count for one in ordered)
    usual = next(one for one, count in zip(ordered, passed, strict=True) if count >= half)
    limit = float(_CUT_AT * usual.most_s)
    return limit if 0 < limit < ordered[-1].most_s else None


def _departments(figures: Figures) -> Chart:
    shown, rest = figures.departments[:_CHARTED], figures.departments[_CHARTED:]
    rows = [_department_row(one, one.name or _UNKNOWN) for one in shown]
    if rest:
        others = DepartmentCount(
            name=None,
            open=sum(one.open for one in rest),
            closed=sum(one.closed for one in rest),
            priority=sum(one.priority for one in rest),
        )
        rows.append(_department_row(others, _many(len(rest), "outro", "outros")))
    return Chart(
        title="Atendimentos por departamento",
        subtitle=_subtitle(figures),
        rows=tuple(rows),
        note="Com prioridade: abertos e encerrados, já contados acima.",
    )


def _department_row(one: DepartmentCount, name: str) -> Row:
    return Row(
        f"{name} ({number(one.total)})",
        (
            Bar(one.open, Tone.ACCENT, _many(one.open, "aberto", "abertos")),
            Bar(one.closed, Tone.MAIN, _many(one.closed, "encerrado", "encerrados")),
            Bar(one.priority, Tone.DARK, f"{number(one.priority)} com prioridade"),
        ),
    )


def _register(figures: Figures) -> Chart:
    register = figures.register
    return Chart(
        title=f"Cadastro: {number(register.total)}",
        subtitle=(
            f"agora, {figures.at.astimezone(figures.timezone):%d/%m/%Y %H:%M}"
            f" · {clock_of(figures.timezone)}"
        ),
        rows=tuple(map(_kind_row, register.kinds)),
        note="Quem tem mais de um tipo conta em cada um deles.",
    )


def _kind_row(one: KindCount) -> Row:
    return Row(
        f"{KINDS[one.kind]} ({number(one.total)})",
        (
            Bar(one.active, Tone.MAIN, _many(one.active, "ativo", "ativos")),
            Bar(one.inactive, Tone.ACCENT, _many(one.inactive, "inativo", "inativos")),
        ),
    )


def _outcomes(figures: Figures) -> Chart:
    counts = {outcome: figures.outcomes.get(outcome, 0) for outcome in _OUTCOMES}
    return Chart(
        title="Identificação dos clientes",
        subtitle=_subtitle(figures),
        rows=tuple(
            Row(
                _OUTCOMES[outcome],
                (
                    Bar(
                        count,
                        Tone.MAIN if outcome is Outcome.VERIFIED else Tone.ACCENT,
                        f"{number(count)} ({round(100 * count / figures.conversations)}%)",
                    ),
                ),
            )
            for outcome, count in counts.items()
        ),
        note=(
            "Por atendimento, com o que se sabe agora. Novo prospect: cadastrado no período pelo "
            "próprio chat. ERP não consultado: o ERP ainda não respondeu."
        ),
    )


def _many(count: int, one: str, many: str) -> str:
    return f"{number(count)} {one if count == 1 else many}"
