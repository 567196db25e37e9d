// The topics of a forum group: a bar to go from one to the next, and the whole list behind a button.

import { act } from "./api.js";
import { h, icon, iconButton } from "./dom.js";
import { clockTime, summary } from "./format.js";
import { serviceText } from "./message.js";

const GENERAL = { thread_id: null, name: "Geral" };

export const threadOf = (message) => (message.is_topic_message ? message.message_thread_id : null);

export class Topics {
  #pane;
  #unread = new Map();

  /** pane: {chat, chatId, actorId, threadId, list, openTopic(threadId), notice(text)} */
  constructor(pane) {
    this.#pane = pane;
    this.tabs = h("div", { class: "topics", role: "tablist", "aria-label": "Tópicos" });
    this.toggle = iconButton("list", "Todos os tópicos", { "data-testid": "topic-list-toggle", "aria-expanded": "false",
      onclick: () => this.#openSheet(this.sheet.hidden) });
    this.closeButton = iconButton("lock", "Fechar o tópico", { "data-testid": "close-topic", onclick: () => this.#toggleClosed() });
    this.deleteButton = iconButton("trash", "Apagar o tópico", { "data-testid": "delete-topic", onclick: () => this.#delete() });
    this.element = h("div", { class: "topic-bar", hidden: true }, this.toggle, this.tabs, this.closeButton, this.deleteButton);
    this.sheet = h("ul", { class: "topic-list", "data-testid": "topic-list", "aria-label": "Todos os tópicos", hidden: true,
      onkeydown: (event) => { if (event.key === "Escape") { this.#openSheet(false); this.toggle.focus(); } } });
  }

  find(threadId) { return this.#pane.chat?.topics?.find((topic) => topic.thread_id === threadId); }

  addUnread(chatId, threadId) {
    const key = `${chatId}/${threadId}`;
    this.#unread.set(key, (this.#unread.get(key) ?? 0) + 1);
  }

  seen() { this.#unread.delete(`${this.#pane.chatId}/${this.#pane.threadId}`); }

  #unreadIn(topic) { return this.#unread.get(`${this.#pane.chatId}/${topic.thread_id}`) ?? 0; }

  redraw() {
    const { chat, threadId } = this.#pane;
    this.element.hidden = !chat?.is_forum;
    if (!chat?.is_forum) {
      this.#openSheet(false);
      return;
    }
    const current = this.find(threadId);
    const label = current?.closed ? "Reabrir o tópico" : "Fechar o tópico";
    this.closeButton.hidden = this.deleteButton.hidden = !current;
    this.closeButton.replaceChildren(icon(current?.closed ? "unlock" : "lock"));
    this.closeButton.setAttribute("aria-label", label);
    this.closeButton.title = label;
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
    const unread = this.#unreadIn(topic);
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

  async #toggleClosed() {
    const { actorId, chatId, threadId } = this.#pane;
    await this.#try(act("close-topic", { user_id: actorId, chat_id: chatId, thread_id: threadId, closed: !this.find(threadId).closed }));
  }

  async #delete() {
    const { chatId, threadId } = this.#pane;
    if (!confirm(`Apagar o tópico “${this.find(threadId).name}” com todas as mensagens? Como no Telegram, o bot não fica sabendo.`)) return;
    await this.#try(act("delete-topic", { chat_id: chatId, thread_id: threadId }));
  }

  async #try(change) {
    try {
      await change;
    } catch {
      this.#pane.notice("Não deu para mudar o tópico.");
    }
  }

  #openSheet(open) {
    this.sheet.hidden = !open;
    this.toggle.setAttribute("aria-expanded", String(open));
    if (open) this.#fillSheet();
  }

  #fillSheet() {
    const last = new Map();
    for (const message of this.#pane.chat.byId.values()) if (!serviceText(message)) last.set(threadOf(message), message);
    const rows = this.#ordered((topic) => last.get(topic.thread_id)?.message_id ?? 0);
    this.sheet.replaceChildren(...rows.map((topic) => this.#row(topic, last.get(topic.thread_id))));
  }

  #row(topic, message) {
    const unread = this.#unreadIn(topic);
    const about = message ? summary(message).split("\n")[0] : "Nada ainda";
    return h("li", {}, h("button", { type: "button", "data-testid": "topic-row", "aria-current": topic.thread_id === this.#pane.threadId ? "true" : null,
      class: topic.closed ? "closed-topic" : null,
      onclick: () => { this.#openSheet(false); this.#pane.openTopic(topic.thread_id); } },
    h("span", { class: "topic-icon", "aria-hidden": "true" }, topic.closed ? icon("lock") : "#"),
    h("span", { class: "topic-text" }, h("strong", {}, topic.name), h("span", {}, `${topic.closed ? "Fechado · " : ""}${about}`)),
    h("span", { class: "topic-side" }, message ? h("time", {}, clockTime(message.date)) : null, unread ? h("span", { class: "badge" }, String(unread)) : null)));
  }
}
