"""A form of the console as a browser submits it."""

from html.parser import HTMLParser


class Form(HTMLParser):
    """The fields of a page's form, to be filled in and posted."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: list[tuple[str, str]] = []
        self.text = ""
        self.menus: dict[str, list[str]] = {}
        """The values that each menu offers."""
        self.tags: list[str] = []
        self._menu = self._area = ""
        self._in_form = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name, value = given.get("name", ""), given.get("value", "")
        self.tags.append(tag)
        if tag == "form":
            self._in_form = True
        elif tag == "select":
            self._menu = name
            self.menus[name + str(len(self.menus)) if name in self.menus else name] = []
            self.values.append((name, ""))
        elif tag == "option":
            [*_, offered] = self.menus.values()
            offered.append(value)
            if "selected" in given or len(offered) == 1:
                self.values[-1] = (self._menu, value)
        elif tag == "textarea":
            self._area = name
            self.values.append((name, ""))
        elif tag == "input" and self._in_form and name:
            is_box = given.get("type") in ("checkbox", "radio")
            if not is_box or "checked" in given:
                self.values.append((name, value))

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""
        elif tag == "form":
            self._in_form = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._area:
            self.values[-1] = (self._area, self.values[-1][1] + data.removeprefix("\n"))

    def get(self, name: str) -> str:
        return next(value for there, value in self.values if there == name)

    def filled(
        self, *pressed: tuple[str, str], **changed: str | list[str]
    ) -> list[tuple[str, str]]:
        """Return what is submitted with these values; `__` in a name stands for a full stop."""
        new = {name.replace("__", "."): value for name, value in changed.items()}
        kept = [(name, value) for name, value in self.values if name not in new]
        added = [
            (name, one)
            for name, value in new.items()
            for one in ([value] if isinstance(value, str) else value)
        ]
        return [*kept, *added, *pressed]
