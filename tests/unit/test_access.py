"""The access table: the permissions of each role."""

import pytest

from bot.domain.access import BUTTONS, COMMANDS, DIALOGS, ChatKind, Role, menu_of, rule_of_press


def test_what_is_not_in_the_table_has_no_rule():
    assert rule_of_press("bogus:1") is None
    assert rule_of_press("") is None
    assert rule_of_press("cards:1") is None


@pytest.mark.parametrize("data", ["aX3k\x1dnext", "card:a:1\x1dx", "\x1d"])
def test_every_button_of_a_dialog_is_an_admins(data: str):
    rule = rule_of_press(data)
    assert rule is DIALOGS
    allowed = [(r, p) for r in Role for p in ChatKind if rule.allows(r, p)]
    assert allowed == [(Role.ADMIN, ChatKind.PRIVATE)]


def test_menus_hold_only_what_is_allowed_and_are_told_in_portuguese():
    for role in Role:
        for place in ChatKind:
            for name, text in menu_of(role, place):
                assert COMMANDS[name].allows(role, place)
                assert 1 <= len(text) <= 256


def test_customers_see_three_commands_and_attendants_eight_in_the_group():
    assert [name for name, _ in menu_of(Role.CUSTOMER, ChatKind.PRIVATE)] == [
        *("ajuda", "meusdados", "sair")
    ]
    assert [name for name, _ in menu_of(Role.ATTENDANT, ChatKind.GROUP)] == [
        *("respostas", "fila", "atendimento", "nota", "apagar"),
        *("transferir", "encerrar", "ajuda"),
    ]
    assert [name for name, _ in menu_of(Role.ADMIN, ChatKind.PRIVATE)][:2] == [
        "clientes",
        "importar",
    ]


def test_no_customer_may_do_anything_in_a_group():
    for rule in (*COMMANDS.values(), *BUTTONS.values(), DIALOGS):
        assert not rule.allows(Role.CUSTOMER, ChatKind.GROUP)
