"""Likely double entries, two side by side, and their union."""

from typing import Final, assert_never

from aiohttp import web
from multidict import MultiMapping

from bot.console.jobs import job_page
from bot.console.record import record_page
from bot.console.rendering import page
from bot.console.request import ConsoleRequest, Route
from bot.domain.pairs import PairReason
from bot.usecases.register.duplicates import ListedPair
from bot.usecases.register.edit_registration import Gone
from bot.usecases.register.unite import DocumentNeeded, PairChanged, United
from bot.wording.duplicates import (
    BACK_IN_LIST,
    CHANGED,
    CHOOSE_DOCUMENT,
    DIFFERENT,
    NO_PAIR,
    NOT_COMPARED,
    SEARCHING,
    holding,
    reasons,
)
from bot.wording.values import EMPTY, LABELS, show_value, value_of, when
from bot.wording.words import number

_LONGEST_CURSOR: Final = 500
_UNITED: Final = (
    "Unidos. Quem procurar por um ou pelo outro acha este cadastro. Foi engano? A união se desfaz "
    "na auditoria, abaixo."
)


async def show_list(asked: ConsoleRequest) -> web.StreamResponse:
    return await _list_page(asked)


async def search(asked: ConsoleRequest) -> web.StreamResponse:
    """Start the job that looks for double entries."""
    if running := await asked.services.jobs.running_search():
        return await job_page(asked, running)
    progress = await asked.services.show_in_chat(asked.user_id, SEARCHING)
    job = await asked.services.jobs.begin_search(by=asked.by, progress=progress)
    return await job_page(asked, job)


async def show_pair(asked: ConsoleRequest) -> web.StreamResponse:
    return await _pair_page(asked)


async def differ(asked: ConsoleRequest) -> web.StreamResponse:
    """Remember that the two are not one person; the list offers the way back."""
    pair_id = asked.http.match_info["id"]
    await asked.services.duplicates.mark_different(pair_id, by=asked.by)
    return await _list_page(asked, DIFFERENT, marked=pair_id)


async def list_again(asked: ConsoleRequest) -> web.StreamResponse:
    await asked.services.duplicates.unmark(asked.http.match_info["id"])
    return await _list_page(asked, BACK_IN_LIST)


async def plan(asked: ConsoleRequest) -> web.StreamResponse:
    """Return what the union would be, with the choices of the form."""
    listed = await asked.services.duplicates.get(asked.http.match_info["id"])
    if listed is None:
        return await _list_page(asked, NO_PAIR)
    return await _plan_page(asked, listed)


async def unite(asked: ConsoleRequest) -> web.StreamResponse:
    """Unite the two as they were shown; safe to repeat."""
    form = await asked.form()
    stays, goes = form.get("stays", ""), form.get("goes", "")
    versions = form.get("versions", "").split(":")
    if len(versions) != 2 or not all(one.isdecimal() and len(one) < 10 for one in versions):
        raise web.HTTPBadRequest
    async with asked.services.holding(asked.user_id):
        outcome = await asked.services.unite(
            stays,
            goes,
            read_versions=(int(versions[0]), int(versions[1])),
            admin_id=asked.user_id,
            taken=_taken(form),
            document=form.get("document") or None,
        )
    match outcome:
        case United(registration):
            return await record_page(
                asked, _UNITED, registration_id=registration.id, has_changed=True
            )
        case DocumentNeeded():
            listed = await asked.services.duplicates.get(asked.http.match_info["id"])
            if listed is None:
                return await _list_page(asked, NO_PAIR)
            return await _plan_page(asked, listed, CHOOSE_DOCUMENT)
        case PairChanged():
            return await _pair_page(asked, CHANGED)
        case Gone():
            return await _list_page(asked, NO_PAIR)
        case _:
            assert_never(outcome)


async def _list_page(asked: ConsoleRequest, notice: str = "", *, marked: str = "") -> web.Response:
    form, duplicates = await asked.form(), asked.services.duplicates
    starts = [one[:_LONGEST_CURSOR] for one in form.getall("start", [])]
    if form.get("do") == "next" and form.get("next"):
        starts = [*starts, form["next"][:_LONGEST_CURSOR]]
    elif form.get("do") == "previous":
        starts = starts[:-1]
    found = await duplicates.page(start=starts[-1] if starts else None)
    if starts and not found.pairs:
        # The pairs of this page have left the list.
        starts, found = [], await duplicates.page()
    return page(
        "pairs",
        {
            "pairs": [
                {
                    "id": one.pair.id,
                    "stays": one.stays.name,
                    "goes": one.goes.name,
                    "reasons": reasons(one.pair),
                    "is_warned": PairReason.DOCUMENTS in one.pair.reasons,
                }
                for one in found.pairs
            ],
            "count": number(await duplicates.count()),
            "starts": starts,
            "next": found.next,
            "notice": notice,
            "marked": marked,
        },
    )


async def _pair_page(asked: ConsoleRequest, notice: str = "") -> web.Response:
    """Return the two side by side."""
    compared = await asked.services.compare(asked.http.match_info["id"])
    if compared is None:
        return await _list_page(asked, NO_PAIR)
    names, listed = await asked.services.names(), compared.listed
    stays, goes = listed.stays, listed.goes
    rows = [
        (label, value_of(stays, path, names), value_of(goes, path, names))
        for path, label in LABELS.items()
        if path not in NOT_COMPARED
    ]
    rows += [
        ("Atendimentos e chats", holding(compared.stays), holding(compared.goes)),
        ("Criado em", when(stays.created.at, names), when(goes.created.at, names)),
    ]
    return page(
        "pair",
        {
            "id": listed.pair.id,
            "stays": stays,
            "goes": goes,
            "reasons": reasons(listed.pair),
            "is_warned": PairReason.DOCUMENTS in listed.pair.reasons,
            "rows": [row for row in rows if set(row[1:]) != {EMPTY}],
            "notice": notice,
        },
    )


async def _plan_page(asked: ConsoleRequest, listed: ListedPair, notice: str = "") -> web.Response:
    services, form = asked.services, await asked.form()
    ids = [listed.stays.id, listed.goes.id]
    taken, document = _taken(form), form.get("document") or None
    if form.get("stays") == ids[1]:
        ids.reverse()
    if form.get("do") == "swap":
        # What was chosen says "of the other one", which is the first now.
        ids.reverse()
        taken = frozenset()
    planned = await services.unite.plan(*ids, taken=taken, document=document)
    if isinstance(planned, Gone):
        return await _list_page(asked, NO_PAIR)
    names = await services.names()
    return page(
        "union",
        {
            "id": listed.pair.id,
            "stays": planned.stays,
            "goes": planned.goes,
            "documents": planned.documents or (),
            "document": document,
            "choices": [
                {
                    "path": one.path,
                    "label": LABELS[one.path],
                    "stays": show_value(one.path, one.stays, names),
                    "goes": show_value(one.path, one.goes, names),
                    "takes_other": one.takes_other,
                }
                for one in planned.choices
            ],
            "changes": [
                (LABELS[one.path], show_value(one.path, one.after, names))
                for one in planned.changes
                if one.path not in NOT_COMPARED
            ],
            "lost": ", ".join(LABELS[path].lower() for path in planned.lost),
            "notice": notice,
        },
    )


def _taken(form: MultiMapping[str]) -> frozenset[str]:
    """Return the fields in which the value of the one that goes is taken."""
    return frozenset(path for path in LABELS if form.get(f"take:{path}") == "goes")


ROUTES: Final = (
    Route(method="GET", path="/pairs", handle=show_list),
    Route(method="POST", path="/pairs", handle=show_list),
    Route(method="POST", path="/pairs/search", handle=search),
    Route(method="GET", path="/pairs/{id}", handle=show_pair),
    Route(method="POST", path="/pairs/{id}/different", handle=differ),
    Route(method="POST", path="/pairs/{id}/list", handle=list_again),
    Route(method="POST", path="/pairs/{id}/plan", handle=plan),
    Route(method="POST", path="/pairs/{id}/unite", handle=unite),
)
