"""Who gets into the console, and what every answer of it carries."""

import re
from datetime import timedelta
from typing import Any

import pytest

from bot.console import texts
from bot.console.request import ADMINS, ANYBODY, Route
from bot.console.routes import ROUTES
from bot.console.security import SESSION_HEADER
from bot.domain.access import Role
from bot.domain.console import NoEntry
from bot.domain.team import Admin
from storage.people.team import Admins
from tests.flows.conftest import ADMIN_ID, BIA, Clock, Start
from tests.flows.console import ORIGIN, console, opened, signed

SAID = texts.NO_ENTRY


def path_of(route: Route) -> str:
    return (
        route.path.replace("{id}", "0" * 32)
        .replace("{name}", "console.css")
        .replace("{number}", "0")
    )


async def test_only_what_telegram_signed_for_an_admin_just_now_opens_one_session(
    start: Start, clock: Clock, database
):
    async with start(public_url=ORIGIN) as people, console(people) as page:
        good = signed(people, clock.now)
        refused = {
            "": NoEntry.UNSIGNED,
            "hash=&user={}": NoEntry.UNSIGNED,
            "\0ç%ff&&=": NoEntry.UNSIGNED,
            good.replace("4001", "4002"): NoEntry.UNSIGNED,
            good.partition("&hash")[0]: NoEntry.UNSIGNED,
            signed(people, clock.now, token="7:another-bot"): NoEntry.UNSIGNED,
            signed(people, clock.now - timedelta(hours=1)): NoEntry.EXPIRED,
            signed(people, clock.now + timedelta(minutes=2)): NoEntry.FUTURE,
            signed(people, clock.now, user_id=BIA): NoEntry.NOT_ADMIN,
        }
        for text, reason in refused.items():
            answer = await page.enter(text)
            assert (answer.status, await answer.text()) == (
                403 if reason is NoEntry.NOT_ADMIN else 401,
                SAID[reason],
            )
        assert (await page.enter("x" * 9_000)).status == 413
        assert (await page.enter(good)).status == 200
        kept = page.token
        # The same launch again, also written otherwise: whoever reads it later gets nothing.
        for again in (good, good.replace("%3A", ":"), "&".join(good.split("&")[::-1])):
            assert await (await page.enter(again)).text() == SAID[NoEntry.USED]
        assert "list" in await page.post("/table")
        # Another tab is another launch, beside the first.
        assert (await page.enter(signed(people, clock.now))).status == 200
        assert page.token != kept
        clock.advance(timedelta(hours=8))
        ended = await page.ask("POST", "/table")
        assert (ended.status, await ended.text()) == (401, SAID[NoEntry.ENDED])
        stored = [one async for one in database["console_sessions"].find()]
        assert len(stored) == 2
        assert kept not in str(stored)


async def test_every_route_has_its_role_and_every_answer_the_headers(
    start: Start, clock: Clock, database
):
    async with start(public_url=ORIGIN) as people:
        bia = Admin(id=BIA, name="Bia", since=clock.now, invited_by=ADMIN_ID, invitation_id="i")
        await Admins(database).put(bia)
        async with console(people) as page:
            assert (await page.enter(signed(people, clock.now, user_id=BIA))).status == 200
            session = page.token
            # Nobody, a guess, and an admin who was removed while the page was open.
            await Admins(database).remove(BIA)
            for token, status in (("", 401), ("guess", 401), (session, 403)):
                page.token = token
                # From three networks: there are more routes than a stranger may ask for.
                near = {"X-Forwarded-For": f"203.0.113.{status - 400 + len(token)}"}
                for route in ROUTES:
                    answer = await page.ask(route.method, path_of(route), headers=near)
                    if route.roles == ANYBODY:
                        assert route.path in {"/", "/static/{name}", "/session"}
                    else:
                        assert route.roles == ADMINS == frozenset({Role.ADMIN})
                        assert answer.status == status, route.path
                    await check_headers(answer, is_static="static" in route.path)
            answer = await page.ask("POST", "/list")
            assert await answer.text() == SAID[NoEntry.NOT_ADMIN]
            for path in ("/nowhere", "/static/console.py", "/static/..%2fserver.py"):
                answer = await page.ask("GET", path)
                assert answer.status == 404
                await check_headers(answer, is_static=False)
            for path in ("/metrics", "/healthz", "/readyz"):
                assert (await page.ask("GET", path)).status == 404


async def check_headers(answer, *, is_static: bool):
    policy = answer.headers["Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self' https://telegram.org"
    assert "unsafe" not in policy
    assert all(one.endswith(".telegram.org") for one in rules["frame-ancestors"].split())
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    kept = "immutable" in answer.headers["Cache-Control"]
    assert kept is (is_static and answer.status == 200)
    assert kept or answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
async def test_other_sites_are_refused_and_the_own_page_is_not(
    start: Start, clock: Clock, headers
):
    async with start(public_url=ORIGIN) as people, opened(people, clock) as page:
        answer = await page.ask("POST", "/table", headers=headers)
        assert (answer.status, await answer.text()) == (403, texts.OTHER_SITE)
        own = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
        assert (await page.ask("POST", "/table", headers=own)).status == 200
        # Opened in Telegram's frame.
        framed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        assert (await page.ask("GET", "/", headers=framed)).status == 200
        # Without a cookie no other site can act, also by a form of the same body.
        plain = await page.ask("POST", "/table", headers={SESSION_HEADER: ""})
        assert plain.status == 401


async def test_floods_and_large_bodies_are_refused_in_words(start: Start, clock: Clock):
    async with start(public_url=ORIGIN) as people, opened(people, clock) as page:
        answer = await page.ask("POST", "/list", data={"text": "x" * 300_000})
        assert (answer.status, await answer.text()) == (413, texts.TOO_LARGE)
        token, page.token = page.token, "guess"
        statuses = [(await page.ask("POST", "/session")).status for _ in range(125)]
        assert set(statuses) == {401, 429}
        # By address: who has a session is not held up by others at the same proxy.
        page.token = token
        assert (await page.ask("POST", "/table")).status == 200
        elsewhere = {"X-Forwarded-For": "10.0.0.1, 203.0.113.9"}
        assert (await page.ask("POST", "/session", headers=elsewhere)).status == 401


FORM, PARTS = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
FILE = b'--x\r\nContent-Disposition: form-data; name="text"; filename="a"\r\n\r\na\r\n--x--\r\n'
BODIES = (
    (b"", "multipart/form-data"),
    (b"--x\r\n\r\n", PARTS),
    (FILE, PARTS),
    (b"text=%ff%00%ed%a0%80&tick=%00&start=%ff&next=x&mark=x", FORM),
    (b"text=a", f"{FORM}; charset=none"),
    (b"\xff\xfe{}", "application/json; charset=utf-16"),
    (b"column=name&column=updated&do=next&sort=updated", FORM),
    (b"text=" + b"a%20" * 20_000, FORM),
)


async def test_no_input_makes_a_route_fail(start: Start, clock: Clock):
    async with start(public_url=ORIGIN) as people, opened(people, clock) as page:
        first = await page.post("/list")
        [mark] = re.findall(r'name="mark" value="(\w+)"', first)
        cursors = {"mark": mark, "start": "\0not-a-cursor", "next": "{}", "do": "next"}
        bodies: list[dict[str, Any]] = [
            {"data": body, "headers": {"Content-Type": kind}} for body, kind in BODIES
        ]
        bodies += [{"data": cursors | {"sort": by}} for by in ("name", "document", "updated")]
        for route in ROUTES:
            for path in (path_of(route), path_of(route).replace("0" * 32, "%ed%a0%80%00..%2f")):
                for body in bodies:
                    answer = await page.ask(route.method, path, **body)
                    assert answer.status < 500, (route.path, body)


async def test_without_a_public_address_there_is_no_console(start: Start):
    async with start() as people:
        assert people.balcao.console is None
        assert ADMIN_ID in await people.balcao.company.role_of.admin_ids()
