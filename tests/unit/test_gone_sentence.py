"""A database that is gone is called by its name: the embedded one, or that of the setting."""

import pytest

from bot.domain.errors import AppError, Problem, RefusedError, TryLaterError
from bot.settings import Settings
from bot.wiring.clients import named_embedded
from bot.wording.errors import sentence

GONE = TryLaterError("no answer", problem=Problem.DATABASE_GONE)


def said(error: AppError, *, mongodb_uri: str) -> str:
    with (
        pytest.raises(AppError) as raised,
        named_embedded(Settings.model_validate({"mongodb_uri": mongodb_uri})),
    ):
        raise error
    return sentence(raised.value)


def test_the_embedded_one_is_named_without_a_setting_that_is_not_set():
    assert "BALCAO_MONGODB_URI" not in said(GONE, mongodb_uri="")
    assert said(GONE, mongodb_uri="").startswith("O banco de dados embutido parou de responder.")


def test_a_server_of_ones_own_is_named_by_its_setting():
    assert "BALCAO_MONGODB_URI" in said(GONE, mongodb_uri="mongodb://db.example")


@pytest.mark.parametrize("error", [TryLaterError("busy"), RefusedError("no")])
def test_another_error_stays_as_it_is(error: AppError):
    assert said(error, mongodb_uri="") == str(error)
