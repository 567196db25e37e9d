"""A new registration in three steps. What was entered travels in the form until it is sent."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final, assert_never

from aiohttp import web
from multidict import MultiMapping

from bot.console import record_texts as texts
from bot.console.record import record_page
from bot.console.rendering import page
from bot.console.request import ConsoleRequest, Route
from bot.console.table import offered
from bot.domain.registration import Kind, Registration
from bot.domain.tax_id import TaxId
from bot.usecases.register.add_registration import Added, Exists, NotAdded
from bot.wording.countries import all_countries
from bot.wording.new_registration import NewRegistration
from bot.wording.reading import Wrong, not_added, read_document, read_field
from bot.wording.words import KINDS

_STEPS: Final = {
    1: ("country", "company", "name", "document", "kinds", "phone", "email"),
    2: ("alert", "traits", "priority", "departments", "tags"),
    3: ("note",),
}
_LISTS: Final = ("kinds", "departments", "tags")
_ID: Final = re.compile(r"[0-9a-f]{32}")
_LONGEST: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """The texts of the form, and what they were read as."""

    step: int
    id: str
    """Drawn when the form was opened: what is sent twice finds its own registration."""
    texts: Mapping[str, list[str]]
    new: NewRegistration
    wrong: Mapping[str, str]
    """A sentence about each field that cannot be read or is missing."""

    @property
    def first_wrong(self) -> int | None:
        """Return the first step in which something is wrong."""
        return next((s for s, names in _STEPS.items() if self.wrong.keys() & {*names}), None)


async def open_steps(asked: ConsoleRequest) -> web.StreamResponse:
    entered = Entered(
        step=1,
        id=asked.services.new_id(),
        texts={"country": ["BR"]},
        new=NewRegistration(),
        wrong={},
    )
    return await _page(asked, entered)


async def turn(asked: ConsoleRequest) -> web.StreamResponse:
    """Go to the next step or back, or send; a step is left only when it is right."""
    form = await asked.form()
    entered = _entered(form)
    if form.get("to") == "back":
        return await _page(asked, replace(entered, step=max(1, entered.step - 1), wrong={}))
    first_wrong = entered.first_wrong
    if first_wrong is not None and first_wrong <= entered.step:
        return await _page(asked, replace(entered, step=first_wrong))
    document = entered.new.document
    if document is not None:
        known = await asked.services.registrations.by_tax_ids([document])
        if (there := known.get(document.key)) and there.id != entered.id:
            return await _page(asked, replace(entered, step=1), other=there)
    if form.get("to") != "send":
        step = min(3, entered.step + 1)
        return await _page(asked, replace(entered, step=step, wrong={}), notice=_switched(form))
    outcome = await asked.services.add(
        entered.new.candidate(), registration_id=entered.id, by=asked.by
    )
    match outcome:
        case Added(registration):
            return await record_page(
                asked, texts.CREATED, registration_id=registration.id, has_changed=True
            )
        case Exists(registration):
            return await _page(asked, replace(entered, step=1), other=registration)
        case NotAdded(reasons):
            return await _page(asked, replace(entered, step=1), notice=not_added(reasons))
        case _:
            assert_never(outcome)


def _entered(form: MultiMapping[str]) -> Entered:
    if not _ID.fullmatch(form.get("id", "")) or form.get("step") not in ("1", "2", "3"):
        raise web.HTTPBadRequest
    there = {
        name: [text[:_LONGEST] for text in form.getall(name, [])]
        for names in _STEPS.values()
        for name in names
    }
    new, wrong = _read(there)
    return Entered(step=int(form["step"]), id=form["id"], texts=there, new=new, wrong=wrong)


def _read(there: Mapping[str, list[str]]) -> tuple[NewRegistration, dict[str, str]]:
    """Return what was entered, and a sentence about each field that is wrong."""
    wrong: dict[str, str] = {}

    def text(name: str) -> str:
        return (there.get(name) or [""])[0].strip()

    def read(name: str, path: str) -> str | list[str] | None:
        if not text(name):
            return None
        value = read_field(path, text(name), country=text("country") or "BR")
        if isinstance(value, Wrong):
            wrong[name] = value.sentence
            return None
        return value

    country = text("country") or "BR"
    document = read_document(text("document"), country=country)
    tax_id = document if isinstance(document, TaxId) else None
    if isinstance(document, Wrong):
        wrong["document"] = (
            document.sentence if text("document") else "Falta o número do documento."
        )
    try:
        kinds = [Kind(kind) for kind in there["kinds"]]
    except ValueError as error:
        raise web.HTTPBadRequest from error
    values = {
        name: read(name, path)
        for name, path in (
            ("name", "name"),
            ("phone", "phones.mobile"),
            ("email", "email"),
            ("traits", "traits"),
            ("note", "fixed_note"),
        )
    }
    new = NewRegistration(
        country=country,
        # The typed document counts more than the button, which is easily forgotten.
        company=tax_id.is_company if tax_id and country == "BR" else text("company") == "1",
        tax_id=tax_id.key if tax_id else None,
        kinds=[kind.value for kind in kinds],
        alert=text("alert") == "1",
        priority=text("priority") == "1",
        departments=there["departments"],
        tags=there["tags"],
        **(values | {"traits": values["traits"] or []}),  # type: ignore[arg-type]
    )
    return new, _with_missing(wrong, new)


def _with_missing(wrong: Mapping[str, str], new: NewRegistration) -> dict[str, str]:
    """Return what is wrong, with a sentence about each field that the others require."""
    wrong = dict(wrong)
    if not new.name:
        wrong.setdefault("name", "Falta o nome.")
    if not new.kinds:
        wrong["kinds"] = "Marque o tipo de cadastro; pode ser mais de um."
    if new.alert and not new.traits:
        wrong.setdefault("traits", "Escreva as características, ou responda Não acima.")
    if not new.alert:
        # Hidden, so nobody could mend it; what it says is left out.
        wrong.pop("traits", None)
    if new.priority and not new.departments:
        wrong["departments"] = "Marque os departamentos, ou responda Não acima."
    return wrong


def _switched(form: MultiMapping[str]) -> str:
    """Return what is said where the document decided between person and company."""
    new = _entered(form).new
    if form.get("step") != "1" or new.country != "BR" or new.document is None:
        return ""
    if new.company is (form.get("company") == "1"):
        return ""
    is_of, answer = ("CNPJ", "Sim") if new.company else ("CPF", "Não")
    return f"Isso é um {is_of}: mudei “Pessoa jurídica” para {answer}."


async def _page(
    asked: ConsoleRequest,
    entered: Entered,
    *,
    notice: str = "",
    other: Registration | None = None,
) -> web.Response:
    services, names = asked.services, await asked.services.names()
    there = dict(entered.texts)
    if entered.new.tax_id:
        there["company"] = ["1" if entered.new.company else ""]
    return page(
        "new_record",
        {
            "id": entered.id,
            "step": entered.step,
            "text": {name: (values or [""])[0] for name, values in there.items()},
            "chosen": {name: frozenset(there.get(name, ())) for name in _LISTS},
            "hidden": [
                (name, value)
                for step, fields in _STEPS.items()
                if step != entered.step
                for name in fields
                for value in there.get(name, ())
            ],
            "wrong": entered.wrong,
            "new": asdict(entered.new),
            "document": entered.new.document.masked if entered.new.document else "",
            "names": names,
            "notice": notice,
            "other": other,
            "taken": texts.taken(other) if other else "",
            "countries": all_countries(),
            "kinds": KINDS,
            "tags": offered(await services.tags.all(), frozenset(entered.new.tags)),
            "departments": offered(
                await services.departments.all(), frozenset(entered.new.departments)
            ),
        },
    )


ROUTES: Final = (
    Route(method="GET", path="/new", handle=open_steps),
    Route(method="POST", path="/new", handle=turn),
)
