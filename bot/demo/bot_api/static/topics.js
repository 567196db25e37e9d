// The topics of a forum group: a bar to go from one to the next, and the whole list behind a button.

import { h, icon, iconButton } from "./dom.js";
import { clockTime, summary } from "./format.js";

const GENERAL = { thread_id: null, name: "Geral" };

export const threadOf = (message) => (message.is_topic_message ? message.message_thread_id : null);

export class Topics {
  #pane;
  #unread = new Map();

  /** pane: {chat, threadId, list, openTopic(threadId)} */
  constructor(pane) {
    this.#pane = pane;
    this.tabs = h("div", { class: "topics", role: "tablist", "aria-label": "Tópicos" });
    this.toggle = iconButton("list", "Todos os tópicos", { "data-testid": "topic-list-toggle", "aria-expanded": "false",
      onclick: () => this.#openSheet(this.sheet.hidden) });
    this.element = h("div", { class: "topic-bar", hidden: true }, this.toggle, this.tabs);
    this.sheet = h("ul", { class: "topic-list", "data-testid": "topic-list", "aria-label": "Todos os tópicos", hidden: true,
      onkeydown: (event) => { if (event.key === "Escape") { this.#openSheet(false); this.toggle.focus(); } } });
  }

  find(threadId) { return this.#pane.chat?.topics?.find((topic) => topic.thread_id === threadId); }

  addUnread(threadId) { this.#unread.set(threadId, (this.#unread.get(threadId) ?? 0) + 1); }

  seen(threadId) { this.#unread.delete(threadId); }

  /** Another chat: nothing of the one before is unread here. */
  forget() { this.#unread.clear(); }

  redraw() {
    const { chat, threadId } = this.#pane;
    this.element.hidden = !chat?.is_forum;
    if (!chat?.is_forum) {
      this.#openSheet(false);
      return;
    }
    const scroll = this.tabs.scrollLeft;
    const shown = this.#ordered((topic) => topic.thread_id);
    this.tabs.replaceChildren(...shown.map((topic) => this.#tab(topic, topic.thread_id === threadId)));
    this.tabs.scrollLeft = scroll;
    if (!this.sheet.hidden) this.#fillSheet();
  }

  show() { this.tabs.querySelector('[aria-selected="true"]')?.scrollIntoView({ inline: "nearest", block: "nearest" }); }

  /** General first, then the open ones and the closed ones, the greatest of `rank` before the others. */
  #ordered(rank) {
    const byRank = (topics) => topics.toSorted((one, other) => rank(other) - rank(one));
    const { topics } = this.#pane.chat;
    return [GENERAL, ...byRank(topics.filter((topic) => !topic.closed)), ...byRank(topics.filter((topic) => topic.closed))];
  }

  #tab(topic, selected) {
    const unread = this.#unread.get(topic.thread_id) ?? 0;
    return h("button", { type: "button", role: "tab", class: topic.closed ? "topic closed-topic" : "topic", "data-testid": "topic",
      "aria-selected": String(selected), "aria-controls": this.#pane.list.id, tabindex: selected ? "0" : "-1",
      "data-thread-id": topic.thread_id ?? "general", title: topic.name,
      onclick: () => this.#pane.openTopic(topic.thread_id), onkeydown: (event) => this.#tabKey(event) },
    topic.closed ? icon("lock") : null, h("span", {}, topic.name),
    topic.closed ? h("span", { class: "sr-only" }, " (fechado)") : null,
    unread ? h("span", { class: "badge" }, String(unread)) : null);
  }

  #tabKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const tabs = [...this.tabs.children];
    const next = tabs[(tabs.indexOf(event.currentTarget) + step + tabs.length) % tabs.length];
    event.preventDefault();
    next.click();
    this.tabs.querySelector('[aria-selected="true"]').focus();
  }

  #openSheet(open) {
    this.sheet.hidden = !open;
    this.toggle.setAttribute("aria-expanded", String(open));
    if (open) this.#fillSheet();
  }

  #fillSheet() {
    const last = new Map();
    for (const message of this.#pane.chat.byId.values()) last.set(threadOf(message), message);
    const rows = this.#ordered((topic) => last.get(topic.thread_id)?.message_id ?? 0);
    this.sheet.replaceChildren(...rows.map((topic) => this.#row(topic, last.get(topic.thread_id))));
  }

  #row(topic, message) {
    const unread = this.#unread.get(topic.thread_id) ?? 0;
    const about = message ? summary(message).split("\n")[0] : "Nada ainda";
    return h("li", {}, h("button", { type: "button", "data-testid": "topic-row", "aria-current": topic.thread_id === this.#pane.threadId ? "true" : null,
      class: topic.closed ? "closed-topic" : null,
      onclick: () => { this.#openSheet(false); this.#pane.openTopic(topic.thread_id); } },
    h("span", { class: "topic-icon", "aria-hidden": "true" }, topic.closed ? icon("lock") : "#"),
    h("span", { class: "topic-text" }, h("strong", {}, topic.name), h("span", {}, topic.closed ? `Fechado · ${about}` : about)),
    h("span", { class: "topic-side" }, message ? h("time", {}, clockTime(message.date)) : null, unread ? h("span", { class: "badge" }, String(unread)) : null)));
  }
}
