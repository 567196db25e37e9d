// Telegram's text entities as elements. Offsets are UTF-16 units, exactly what JavaScript counts.

import { h } from "./dom.js";

const TAGS = {
  bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code",
  blockquote: "blockquote", expandable_blockquote: "blockquote", hashtag: "span", cashtag: "span",
  mention: "span", text_mention: "span", phone_number: "span", custom_emoji: "span",
};

const BLOCKS = new Set(["blockquote", "expandable_blockquote", "pre"]);

/** Nodes for a text; onCommand(text) is called when a bot command in it is pressed. */
export function rendered(text, entities, onCommand) {
  const sorted = [...(entities ?? [])].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return between(text, sorted, 0, text.length, onCommand);
}

function between(text, entities, start, end, onCommand) {
  const nodes = [];
  let position = start;
  for (let index = 0; index < entities.length; index += 1) {
    const entity = entities[index];
    const stop = Math.min(entity.offset + entity.length, end);
    if (entity.offset < position || entity.offset >= end) continue;
    if (entity.offset > position) nodes.push(text.slice(position, entity.offset));
    const inside = entities.slice(index + 1).filter((other) => other.offset < stop);
    nodes.push(element(entity, text, stop, inside, onCommand));
    position = stop;
    // A block ends its line by itself: the line break that follows would make a second one.
    if (BLOCKS.has(entity.type) && text[position] === "\n") position += 1;
  }
  if (position < end) nodes.push(text.slice(position, end));
  return nodes;
}

function element(entity, text, stop, inside, onCommand) {
  const own = text.slice(entity.offset, stop);
  const children = between(text, inside, entity.offset, stop, onCommand);
  switch (entity.type) {
    case "url":
    case "text_link":
    case "email":
      return link(entity, own, children);
    case "bot_command":
      return h("button", { type: "button", class: "command", onclick: () => onCommand(own) }, own);
    case "pre":
      return h("pre", { "data-language": entity.language }, h("code", {}, children));
    case "spoiler":
      return spoiler(children);
    default:
      return h(TAGS[entity.type] ?? "span", { class: `entity-${entity.type}` }, children);
  }
}

function link(entity, own, children) {
  let href = entity.type === "text_link" ? entity.url : own;
  if (entity.type === "email") href = `mailto:${own}`;
  else if (!/^[a-z]+:/i.test(href)) href = `https://${href}`;
  const isSafe = /^(https?|mailto|tg):/i.test(href);
  if (!isSafe) return h("span", {}, children);
  return h("a", { href, target: "_blank", rel: "noopener noreferrer", title: href }, children);
}

function spoiler(children) {
  const reveal = () => {
    hidden.classList.add("revealed");
    hidden.removeAttribute("role");
    hidden.removeAttribute("tabindex");
    hidden.removeAttribute("aria-label");
  };
  const hidden = h("span", {
    class: "spoiler", role: "button", tabindex: "0", "aria-label": "Mostrar texto escondido",
    onclick: reveal,
    onkeydown: (event) => {
      if (event.key === "Enter" || event.key === " ") reveal();
    },
  }, children);
  return hidden;
}
