"""Names that are stored in databases or sent with buttons, which an upgrade must not change.

`kept_names.json` holds the names in use. Add each new name to it. A changed or removed name
orphans stored data, open dialogs or sent buttons, so it needs a migration first.
"""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiogram.filters.callback_data import CallbackData
from aiogram.fsm.state import StatesGroup
from pydantic import BaseModel

from bot.domain.conversation import Chat, Identification, LookupState, VerifiedBy
from bot.domain.question import Question
from bot.settings import Settings
from storage.engine.indexes import INDEXES
from storage.talk.conversations import chat_document, conversation_document
from tests.storage.records import NOW as THEN
from tests.storage.records import conversation

KEPT: dict[str, Any] = json.loads(Path(__file__).with_name("kept_names.json").read_text())
PROVEN = Identification().verified(VerifiedBy.PHONE, at=THEN, proof="f")
LOOKUP = LookupState(since=THEN, next_at=THEN)
T = TypeVar("T")


def classes(base: type[T], package: str) -> Iterator[type[T]]:
    """Yield every subclass that a package defines."""
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, f"{package}."):
        importlib.import_module(module.name)
    todo = [base]
    while todo:
        for one in todo.pop().__subclasses__():
            todo.append(one)
            if one.__module__.startswith(f"{package}."):
                yield one


def callbacks() -> dict[str, list[str]]:
    """Return the fields of each button's callback data, by prefix and in order."""
    return {
        str(one.__prefix__): list(one.model_fields) for one in classes(CallbackData, "handlers")
    }


def dialogs() -> dict[str, list[str]]:
    """Return the states of each group, as they are stored with an open dialog."""
    return {
        group.__full_group_name__: [str(state.state) for state in group.__states__]
        for group in classes(StatesGroup, "handlers")
    }


def models() -> dict[str, list[str]]:
    """Return the fields of each model, as they are stored."""
    return {
        "Chat": _stored(chat_document(Chat(id=1, customer=PROVEN, united_from=("a",)))),
        "Conversation": _stored(
            conversation_document(
                conversation(
                    lookup=LOOKUP,
                    customer=PROVEN,
                    other_document="BR:1",
                    asked_at=THEN,
                    hours_told=True,
                    buttons_at=7,
                    earlier_departments=("vendas",),
                )
            )
        ),
        "Question": [one.name for one in fields(Question)],
        **{one.__name__: list(one.model_fields) for one in classes(BaseModel, "bot.domain")},
    }


def _stored(document: dict[str, Any]) -> list[str]:
    return ["id" if name == "_id" else name for name in document]


def values() -> dict[str, list[str]]:
    """Return the values of each enumeration of the domain."""
    return {
        one.__name__: [str(member.value) for member in one]
        for one in classes(Enum, "bot.domain")
        if all(isinstance(member.value, str) for member in one)
    }


def indexes() -> dict[str, list[str]]:
    """Return the names of the indexes of each collection."""
    return {
        collection: [str(index.document["name"]) for index in found]
        for collection, found in INDEXES.items()
    }


def settings() -> dict[str, list[str]]:
    return {"BALCAO_": list(Settings.model_fields)}


NOW = {
    "callbacks": callbacks,
    "dialogs": dialogs,
    "models": models,
    "values": values,
    "indexes": indexes,
    "settings": settings,
}


@pytest.mark.parametrize("kind", NOW)
def test_what_is_stored_or_sent_keeps_its_name(kind: str):
    now, kept = NOW[kind](), KEPT[kind]
    if kind == "callbacks":
        # Callback data holds values without names, in the order of the fields.
        assert now == kept
    elif kind in ("models", "values"):
        # The class names are not stored; the file has them for readers only.
        assert sorted(map(sorted, now.values())) == sorted(map(sorted, kept.values()))
    else:
        assert {name: sorted(found) for name, found in now.items()} == {
            name: sorted(found) for name, found in kept.items()
        }
