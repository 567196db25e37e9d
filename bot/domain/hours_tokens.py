"""The days, times and dates in a text about opening hours, as people write them."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from bot.domain.normal_form import normalized
from bot.domain.opening_hours import MIDNIGHT


class Fault(Enum):
    """Why a text is not understood."""

    NOTHING = auto()
    """It has neither days nor times, or no date."""
    WORD = auto()
    """A word is not known."""
    TIME = auto()
    """There is no such time of day."""
    NO_DAY = auto()
    """A time stands before any day, or for no date."""
    NO_TIME = auto()
    """A day has neither a time nor the word "fechado"."""
    HALF = auto()
    """Only one end of an interval is given."""
    SAME = auto()
    """An interval begins and ends at the same time."""
    OVERLAP = auto()
    """Two intervals of a day have a time in common."""
    NEVER = auto()
    """All days are closed."""
    HOLIDAY = auto()
    """Hours of the week that speak of holidays."""
    DATE = auto()
    """There is no such date."""
    PAST = auto()
    """The date is over."""
    LONG = auto()
    """The holidays from one date to another are too many."""


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    fault: Fault
    about: str = ""
    """The part of the text that is at fault, as it was written."""
    day: int = 0
    """The weekday at fault; Monday is 0."""


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    """`day`, `date`, `time`, `range`, `apart` (a comma), `closed`, `word` or `other`."""
    text: str
    """As it was written."""
    days: tuple[int, ...] = ()
    minute: int = 0
    dated: tuple[int, int, int | None] = (0, 0, None)
    """Day, month, and the year if it is given."""


class FaultError(Exception):
    """Ends the reading of a text."""

    def __init__(self, fault: Fault, about: str = "", day: int = 0) -> None:
        super().__init__(fault)
        self.found = NotUnderstood(fault, about, day)


_WEEKDAYS: Final = {
    name: number
    for number, names in enumerate(
        (
            "seg segunda segundas",
            "ter terca tercas",
            "qua quarta quartas",
            "qui quinta quintas",
            "sex sexta sextas",
            "sab sabado sabados",
            "dom domingo domingos",
        )
    )
    for name in names.split()
}
_MONTHS: Final = {
    month: number
    for number, month in enumerate(
        ("jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"), 1
    )
}
_IGNORED: Final = (
    "das de da do dos o os no nos na nas ao aos em entre h hs hora horas dia dias feira feiras "
    "horario horarios atendimento atendemos aberto aberta abertos abre abrimos funciona "
    "funcionamento funcionamos por tambem so apenas somente"
)
_PART: Final = r"(?: ?da (?P<part>manha|tarde|noite)(?![^\W\d_]))?"
_HOUR: Final = r"(?:horas?|hrs?|hs?)?(?![^\W\d_])"
# The order matters: the longer forms first.
_TIME: Final = "|".join(
    (
        rf"(?P<h1>\d{{1,2}})[:.](?P<m1>\d\d)(?!\d) ?{_HOUR}",
        r"(?P<h2>\d{1,2}) ?h ?(?P<m2>\d\d)(?!\d)(?! ?[h:/]) ?(?:min|m)?(?![^\W\d_])",
        rf"(?P<h3>\d\d)(?P<m3>\d\d)(?!\d) ?{_HOUR}",
        rf"(?P<h4>\d+) ?{_HOUR}",
        r"(?P<noon>meio[ -]?dia)(?![^\W\d_])",
        r"(?P<night>meia[ -]?noite)(?![^\W\d_])",
    )
)
_DATE: Final = (
    r"(?P<d1>\d{1,2}) ?[/.] ?(?P<n1>\d{1,2})(?: ?[/.] ?(?P<y1>\d{4}|\d\d))?(?!\d)"
    r"|(?P<d2>\d{1,2})-(?P<n2>\d{1,2})-(?P<y2>\d{4})(?!\d)"
    r"|(?P<d3>\d{1,2})o? ?(?:de )?(?P<n3>jan|fev|mar|abr|mai|jun|jul|ago|set|out|nov|dez)"
    r"[^\W\d_]*(?: ?(?:de )?(?P<y3>\d{4})(?!\d))?"
)
_REST: Final = (
    r"(?P<closed>fechad[oa]s?|folga|nao (?:abre|abrimos|atende|atendemos|funciona))(?![^\W\d_])"
    r"|(?P<range>-|(?:a|as|ate)(?![^\W\d_]))"
    r"|(?P<apart>[,;\n])"
    r"|(?P<joined>[&+/:.()]|e(?![^\W\d_]))"
    r"|(?P<word>[^\W\d_]+)"
    r"|(?P<other>\S)"
)
IN_A_WEEK: Final = re.compile(
    r"(?P<ordinal>[2-6])a(?![^\W\d_])(?: ?-? ?feiras?)?"
    r"|(?P<all>todos? (?:os )?dias?|diariamente)"
    r"|(?P<work>dias? ut(?:eis|il))"
    r"|(?P<end>(?:fim|fins|final|finais) de semana)"
    r"|(?P<weekday>" + "|".join(sorted(_WEEKDAYS, key=len, reverse=True)) + ")"
    r"(?![^\W\d_])(?: ?-? ?feiras?(?![^\W\d_]))?"
    rf"|(?:{_TIME}){_PART}|{_REST}"
)
IN_HOLIDAYS: Final = re.compile(rf"{_DATE}|(?:{_TIME}){_PART}|{_REST}")
_GROUPS: Final = {"all": range(7), "work": range(5), "end": range(5, 7)}


def prepared(text: str) -> tuple[str, str]:
    """Return the text as it can be quoted, and folded; both have the same length."""
    lines = (" ".join(line.split()) for line in normalized("NFC", text).splitlines())
    shown = "\n".join(filter(None, lines))
    return shown, "".join(map(_folded, shown))


def _folded(character: str) -> str:
    if character == "~" or unicodedata.category(character) == "Pd" or character == "\u2212":
        return "-"
    return unicodedata.normalize("NFKD", character)[0].lower()[0]


def tokens(pattern: re.Pattern[str], shown: str, folded: str) -> Iterator[Token]:
    """Yield what the pattern, one of this module's two, finds; raises FaultError.

    shown, folded: as `prepared` returns them.
    """
    for match in pattern.finditer(folded):
        text = shown[match.start() : match.end()].strip()
        found = match.groupdict()
        if match.lastgroup in ("range", "apart", "closed", "word", "other"):
            if match.lastgroup != "word" or match["word"] not in _IGNORED.split():
                yield Token(match.lastgroup, text)
        elif days := _days(found):
            yield Token("day", text, days=days)
        elif any(found.get(name) for name in ("d1", "d2", "d3")):
            yield Token("date", text, dated=_dated(found, text))
        elif match.lastgroup != "joined":
            yield Token("time", text, minute=_minute(found, text))


def _days(found: dict[str, str | None]) -> tuple[int, ...]:
    if ordinal := found.get("ordinal"):
        return (int(ordinal) - 2,)
    if weekday := found.get("weekday"):
        return (_WEEKDAYS[weekday],)
    return next((tuple(days) for name, days in _GROUPS.items() if found.get(name)), ())


def _dated(found: dict[str, str | None], text: str) -> tuple[int, int, int | None]:
    n = next(n for n in "123" if found[f"d{n}"])
    day, month, year = (found[f"{name}{n}"] or "" for name in "dny")
    number = _MONTHS.get(month) or int(month)
    if year == "0000":
        raise FaultError(Fault.DATE, text)
    return int(day), number, int(year) + (2000 if len(year) == 2 else 0) if year else None


def _minute(found: dict[str, str | None], text: str) -> int:
    if found["noon"]:
        return MIDNIGHT // 2
    if found["night"]:
        return MIDNIGHT
    hour = int(next(found[f"h{n}"] or "" for n in "1234" if found[f"h{n}"])[:3])
    minute = int(next((m for n in "123" if (m := found[f"m{n}"])), 0))
    if found["part"] in ("tarde", "noite") and hour < MIDNIGHT // 120:
        hour += MIDNIGHT // 120
    if hour * 60 + minute > MIDNIGHT or minute > 59:
        raise FaultError(Fault.TIME, text)
    return hour * 60 + minute
