"""What reads people's texts takes a time that grows no faster than the text.

Two lengths are compared within one run, in the CPU time of this thread: no machine is too slow.
"""

import time
from collections.abc import Callable
from datetime import date

import pytest

from bot.domain.columns import known_field
from bot.domain.guard import guarded, unguarded
from bot.domain.label import label_key
from bot.domain.normal_form import normalized
from bot.domain.panel import read_period
from bot.domain.phone import read_phone
from bot.domain.protocol import read_protocol
from bot.domain.registration import read_email, read_name, read_note, read_traits
from bot.domain.search import typed_words
from bot.domain.tax_id import NotATaxId, read_foreign_tax_id, read_tax_id, read_tax_id_cell
from bot.runtime.logs import scrub
from bot.wording.countries import find_countries
from bot.wording.words import short

SHORT, TIMES = 400, 8
# Eight times the text takes eight times as long, or 64 times if the time grows with its square.
AT_MOST = 28
# Below this, in seconds, nobody notices how it grows.
NOTICED_S = 0.012
TRIES = 6
READERS: dict[str, Callable[[str], object]] = {
    "tax id": read_tax_id,
    "tax id in a cell": read_tax_id_cell,
    "tax id of Portugal": lambda text: read_foreign_tax_id("PT", text),
    "tax id of a country without a rule": lambda text: read_foreign_tax_id("AO", text),
    "phone": read_phone,
    "phone of Portugal": lambda text: read_phone(text, country="PT"),
    "name": read_name,
    "note": read_note,
    "traits": read_traits,
    "email": read_email,
    "search": typed_words,
    "label": label_key,
    "protocol": read_protocol,
    "period": lambda text: read_period(text, today=date(2026, 11, 29)),
    "header": known_field,
    "guard": guarded,
    "guarded": unguarded,
    "country": find_countries,
    "short": lambda text: short(text, 40),
    "log": scrub,
}
PIECES = (
    *("1-", "1 ", "1.", "1/", "1", "1,", "+5", "1(", "1) ", "0", "00", "-", ".", " ", "'", "\n"),
    *("A1", "A1 ", "A-", "a", "a ", "ab c ", "1E", " E", "E1 ", "CPF1", "CNPJ12", "cpf "),
    *("12 ABC 345 01DE 35 ", "390.533.447-05 ", "39053344705", "39053344706 ", "12345678 "),
    *("\u0301\u0323", "\u0323\u0301", "e\u0301", "\ufdfa", "\u200b", "\U0001f642\u200d", "\uff11"),
    *("a@b.", "@", ";", ", ", "2026-01-01T1:", "12345:", "abcdef0123", "1.1.", "\u2010"),
)
# What a reader may wait for before the piece that is repeated.
BEGINNINGS = ("", "12345678")


def cpu_s(read: Callable[[str], object], text: str) -> float:
    began = time.thread_time()
    read(text)
    return time.thread_time() - began


def text_of(beginning: str, piece: str, length: int) -> str:
    return beginning + (piece * length)[:length] + "x"


@pytest.mark.parametrize("reader", READERS)
def test_no_text_makes_it_slow(reader: str):
    read = READERS[reader]
    for beginning in BEGINNINGS:
        for piece in PIECES:
            small, large = (text_of(beginning, piece, n) for n in (SHORT, SHORT * TIMES))
            if cpu_s(read, large) < NOTICED_S:
                continue
            ratios = []
            for _ in range(TRIES):
                few = min(cpu_s(read, small) for _ in range(3))
                ratios.append(min(cpu_s(read, large) for _ in range(2)) / max(few, 1e-6))
                if ratios[-1] < AT_MOST:
                    break
            assert min(ratios) < AT_MOST, (beginning, piece)


def test_a_line_of_single_digits_is_no_tax_id():
    assert isinstance(read_tax_id("1-" * 2048), NotATaxId)


def test_marks_that_a_language_has_stay_and_a_pile_of_them_does_not():
    assert normalized("NFC", "e\u0301" * 40) == "é" * 40
    assert normalized("NFKD", "é" * 40) == "e\u0301" * 40
    assert len(normalized("NFC", "x" + "\u0323" * 4000)) < 40
