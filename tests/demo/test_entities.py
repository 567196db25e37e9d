"""Telegram's HTML: markup becomes entities; bad markup is refused with Telegram's own words."""

from typing import Any

import pytest

from bot.demo.bot_api import ApiError
from bot.demo.bot_api.entities import add_detected, parse_html, trim, without_code_language


def entity(kind: str, offset: int, length: int, **more: Any) -> dict[str, Any]:
    return {"type": kind, "offset": offset, "length": length, **more}


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("sem nada", "sem nada", []),
        ("a &lt;b&gt; &amp; &quot;c&quot; &#231; &nbsp;", 'a <b> & "c" ç &nbsp;', []),
        ("<b>Olá</b>", "Olá", [entity("bold", 0, 3)]),
        ("⭐ <strong>já</strong>", "⭐ já", [entity("bold", 2, 2)]),
        ("👍🏽 <i>ok</i>", "👍🏽 ok", [entity("italic", 5, 2)]),
        ("<b>a<i>b</i></b>", "ab", [entity("bold", 0, 2), entity("italic", 1, 1)]),
        ("<B>a</ b >", "a", [entity("bold", 0, 1)]),
        ("<u>a</u><s>b</s>", "ab", [entity("underline", 0, 1), entity("strikethrough", 1, 1)]),
        ("<tg-spoiler>a</tg-spoiler>", "a", [entity("spoiler", 0, 1)]),
        ('<span class="tg-spoiler">a</span>', "a", [entity("spoiler", 0, 1)]),
        (
            "<a href='https://a.br?x=1&amp;y=2'>aqui</a>",
            "aqui",
            [entity("text_link", 0, 4, url="https://a.br?x=1&y=2")],
        ),
        (
            '<a href="tg://user?id=7">Ana</a>',
            "Ana",
            [entity("text_mention", 0, 3, user={"id": 7})],
        ),
        ('<a href="nada">x</a>', "x", []),
        ("<code>1</code>", "1", [entity("code", 0, 1)]),
        (
            '<pre><code class="language-python">x</code></pre>',
            "x",
            [entity("pre", 0, 1, language="python")],
        ),
        ("<blockquote expandable>x</blockquote>", "x", [entity("expandable_blockquote", 0, 1)]),
        ("<b></b>x", "x", []),
    ],
)
def test_html_becomes_text_and_entities(
    source: str, text: str, entities: list[dict[str, Any]]
) -> None:
    plain, found = parse_html(source)
    assert plain == text
    assert without_code_language(found) == entities


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("é <font>x</font>", 'Unsupported start tag "font" at byte offset 3'),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("x <b", "Unclosed start tag at byte offset 2"),
        ("<a href='x", 'tag "a" at byte offset 0'),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("<!-- x -->", 'Unsupported start tag "!--" at byte offset 0'),
    ],
)
def test_bad_html_is_refused_as_telegram_does(source: str, reason: str) -> None:
    with pytest.raises(ApiError) as refusal:
        parse_html(source)
    assert refusal.value.code == 400
    assert refusal.value.description.startswith("Bad Request: can't parse entities: ")
    assert reason in refusal.value.description


def test_surrounding_white_space_is_cut_and_entities_move_along() -> None:
    assert trim("  \n a b \n", [entity("bold", 0, 9)]) == ("a b", [entity("bold", 0, 3)])
    assert trim("  a", [entity("bold", 0, 1)]) == ("a", [])


def test_links_commands_mentions_and_hashtags_are_found() -> None:
    text = "👍 /fila@balcao_bot @bruno #fibra https://a.br/x, a@b.com.br exemplo.com"
    kinds = [(found["type"], found["offset"]) for found in add_detected(text, [])]
    assert kinds == [
        ("bot_command", 3),
        ("mention", 20),
        ("hashtag", 27),
        ("url", 34),
        ("email", 50),
        ("url", 61),
    ]


def test_nothing_is_found_inside_code() -> None:
    code = [entity("code", 0, 5)]
    assert add_detected("/fila", code) == code
    assert add_detected("390.533.447-05", []) == []
    assert add_detected("e/ou 24/11", []) == []
