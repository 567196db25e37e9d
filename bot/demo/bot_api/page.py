"""The demo page: three chats side by side, with its configuration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.demo.bot_api.people import People
from bot.demo.own_page import PageFiles
from bot.demo.people import DemoPerson

STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A segmented control in the page's header."""

    key: str
    label: str
    options: Sequence[tuple[str, str]]
    """(value, label) pairs."""
    get: Callable[[], str]
    set: Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link in the page's header, to a page of another server."""

    key: str
    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The page's people and groups, with its switches and links."""

    people: Sequence[DemoPerson]
    groups: Sequence[int]
    """Attendants' groups; the page shows one at a time."""
    attendants: Sequence[int]
    """Ids of the users that can be played in the groups' pane."""
    admin_id: int
    title: str = "Balcão"
    switches: Sequence[Switch] = ()
    links: Sequence[Link] = ()
    note: str = ""


class Page:
    """Serves the page's files and the scene."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._files = PageFiles(
            # A Mini App of the demo: Telegram's own client takes any address.
            STATIC,
            index="index.html",
            frames="http://127.0.0.1:* http://localhost:*",
        )
        self._scene: Scene | None = None

    def show(self, scene: Scene) -> None:
        self._scene = scene
        self._people.changes.publish("scene", {})

    def add_routes(self, app: web.Application) -> None:
        self._files.add_routes(app)
        app.router.add_get("/demo/api/scene", self._get_scene)
        app.router.add_post("/demo/api/switch", self._set_switch)

    async def _get_scene(self, _request: web.Request) -> web.Response:
        if self._scene is None:
            raise web.HTTPNotFound(text="no scene: call serve_page first")
        return web.json_response(_shown(self._scene))

    async def _set_switch(self, request: web.Request) -> web.Response:
        body = await request.json()
        switches = self._scene.switches if self._scene else ()
        switch = next((switch for switch in switches if switch.key == body.get("key")), None)
        value = body.get("value")
        if switch is None or value not in {known for known, _ in switch.options}:
            raise web.HTTPBadRequest(text="no such switch or value")
        switch.set(value)
        self._people.changes.publish("switch", {"key": switch.key, "value": switch.get()})
        return web.json_response({"value": switch.get()})


def _shown(scene: Scene) -> dict[str, Any]:
    return {
        "title": scene.title,
        "note": scene.note,
        "groups": list(scene.groups),
        "attendants": list(scene.attendants),
        "admin_id": scene.admin_id,
        "people": [
            {
                "user_id": person.user_id,
                "name": f"{person.first_name} {person.last_name}".strip(),
                "tax_id": person.tax_id,
                "shows": person.shows,
            }
            for person in scene.people
        ],
        "switches": [
            {
                "key": switch.key,
                "label": switch.label,
                "options": [list(option) for option in switch.options],
                "value": switch.get(),
            }
            for switch in scene.switches
        ],
        "links": [{"key": link.key, "label": link.label, "url": link.url} for link in scene.links],
    }
