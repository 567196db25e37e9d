// One chat on the page: header, topics, pinned message, messages and composer, seen by one person.

import { act } from "./api.js";
import { Composer } from "./composer.js";
import { h, icon } from "./dom.js";
import { count, dayKey, dayName, initials, summary } from "./format.js";
import { messageItem, serviceText } from "./message.js";
import { Topics, threadOf } from "./topics.js";

const ACTIONS = {
  typing: "digitando…", upload_document: "enviando um arquivo…", upload_photo: "enviando uma foto…",
  upload_video: "enviando um vídeo…", upload_voice: "enviando um áudio…", record_voice: "gravando um áudio…",
};
const STICKY_PX = 80;
const TYPING_MS = 5000;
const ANSWER_MS = 15_000;

export class Pane {
  threadId = null;
  unread = 0;
  #unseen = 0;
  #stuck = true;
  #lastTop = 0;
  #typingTimer = 0;
  #noticeTimer = 0;
  #waiting = new Map();
  #answered = new Set();

  /** key: customer, attendants or admin; who(): {chatId, actorId, title, subtitle}; tools: header elements; above, below: what stands over and under the header. */
  constructor(store, { key, label, who, tools = [], above = null, below = null, onUnread, onAlert, onWebApp, isVisible }) {
    Object.assign(this, { store, key, label, onUnread, onAlert, onWebApp, isVisible, who });
    this.avatar = h("span", { class: "avatar", "aria-hidden": "true" });
    this.title = h("h2", {});
    this.subtitle = h("p", { class: "subtitle", "data-testid": "subtitle" });
    this.topics = new Topics(this);
    this.pinned = h("button", { type: "button", class: "pinned", "data-testid": "pinned", hidden: true });
    this.list = h("div", { class: "messages", id: `messages-${key}`, "data-testid": "messages", role: "log", "aria-live": "polite", "aria-relevant": "additions",
      "aria-label": `Mensagens (${label})`, tabindex: "0", onscroll: () => this.#scrolled(), onkeydown: (event) => this.#listKey(event) });
    this.pending = h("ol", { class: "pending", "aria-label": "Enviando" });
    this.jump = h("button", { type: "button", class: "jump", hidden: true, onclick: () => this.#toBottom() });
    this.toast = h("p", { class: "toast", role: "status", "data-testid": "toast", hidden: true });
    this.composer = new Composer(this);
    this.element = h("section", { class: `pane pane-${key}`, id: `pane-${key}`, "data-testid": `pane-${key}`, "aria-label": label,
      ondragenter: (event) => this.#drag(event, true), ondragover: (event) => this.#drag(event, true),
      ondragleave: (event) => { if (!this.element.contains(event.relatedTarget)) this.#drag(event, false); },
      ondrop: (event) => this.#drop(event) },
    h("div", { class: "pane-top" }, above,
      h("header", { class: "pane-head" }, this.avatar, h("div", { class: "pane-names" }, this.title, this.subtitle), ...tools),
      this.topics.element, this.pinned, below),
    h("div", { class: "scroll-area" }, this.list, this.topics.sheet, this.jump, this.toast, h("p", { class: "drop-hint", "aria-hidden": "true" }, "Solte para anexar")),
    this.pending, this.composer.element);
    // A picture that loads or a keyboard that opens must not move the end out of sight.
    const stay = () => { if (this.#stuck) this.#toBottom(); };
    new ResizeObserver(stay).observe(this.list);
    this.list.addEventListener("load", stay, true);
    this.list.addEventListener("loadedmetadata", stay, true);
    this.#subscribe();
    this.show();
  }

  get chat() { return this.store.chat(this.chatId); }

  get isGroup() { return this.chatId < 0; }

  /** Draw everything anew: another person, another chat, or a fresh snapshot. */
  show() {
    const before = this.chatId && this.#place();
    const { chatId, actorId } = this.who();
    const moved = chatId !== this.chatId;
    Object.assign(this, { chatId, actorId });
    if (moved) this.threadId = null;
    if (this.threadId && !this.topics.find(this.threadId)) this.threadId = null;
    if (before !== this.#place()) this.composer.swap(before, this.#place());
    this.redraw();
    this.#toBottom();
    this.seen();
  }

  focus() {
    const { row, input } = this.composer;
    (row.hidden ? this.list : input).focus();
  }

  redraw() {
    this.#head();
    this.topics.redraw();
    this.#showPinned();
    for (const item of this.pending.children) item.hidden = item.dataset.place !== this.#place();
    this.list.setAttribute("aria-busy", "true");
    this.list.replaceChildren();
    let lastDay = "";
    for (const message of this.#shown()) {
      lastDay = this.#dayLine(message, lastDay);
      this.#append(message);
    }
    this.#emptyState();
    this.composer.refresh();
    requestAnimationFrame(() => this.list.removeAttribute("aria-busy"));
  }

  /** The person looks at this pane: nothing in it is unread. */
  seen() {
    this.unread = 0;
    this.topics.seen();
    this.onUnread(this);
    this.topics.redraw();
  }

  closedReason() {
    if (this.store.users[this.actorId]?.blocked && !this.isGroup) {
      return ["Você bloqueou o bot. ", h("button", { type: "button", class: "link", "data-testid": "unblock",
        onclick: () => act("unblock", { user_id: this.actorId }) }, "Desbloquear")];
    }
    const topic = this.topics.find(this.threadId);
    const status = this.chat?.members?.[this.actorId];
    if (topic?.closed && status === "member") return "Este tópico foi fechado.";
    if (this.isGroup && !["member", "administrator", "creator"].includes(status)) return "Você não está neste grupo.";
    return null;
  }

  notice(text) {
    this.toast.textContent = text;
    this.toast.hidden = false;
    clearTimeout(this.#noticeTimer);
    this.#noticeTimer = setTimeout(() => { this.toast.hidden = true; }, 3500);
  }

  /** Show what is being sent; send() gives the stored message. A failure stays, to be tried again. */
  addPending(text, send) {
    const { chatId } = this;
    const state = h("span", { class: "state" }, "Enviando…");
    const retry = h("button", { type: "button", class: "link", "data-testid": "retry", hidden: true, onclick: () => attempt() }, icon("retry"), "Tentar de novo");
    const drop = h("button", { type: "button", class: "link", hidden: true, onclick: () => item.remove() }, "Descartar");
    const item = h("li", { "data-testid": "pending", "data-place": this.#place() }, h("span", { class: "pending-text" }, text), state, retry, drop);
    const attempt = async () => {
      item.classList.remove("failed");
      state.textContent = "Enviando…";
      retry.hidden = true;
      drop.hidden = true;
      try {
        const message = await send();
        item.remove();
        this.store.keep(chatId, message);
        this.#toBottom();
      } catch {
        item.classList.add("failed");
        state.textContent = "Não enviada.";
        retry.hidden = false;
        drop.hidden = false;
      }
    };
    this.pending.append(item);
    attempt();
  }

  lastOwnText() {
    return this.#shown().findLast((message) => message.from.id === this.actorId && (message.text || message.caption));
  }

  #subscribe() {
    const here = (handle) => ({ detail }) => { if (detail.chatId === this.chatId) handle(detail); };
    const on = (kind, handle) => this.store.addEventListener(kind, handle);
    on("message", here(({ message }) => this.#arrived(message)));
    on("edit", here(({ message }) => this.#changed(message)));
    on("delete", here(({ messageId }) => this.#deleted(messageId)));
    on("topics", here(() => this.#topicsChanged()));
    on("pinned", here(() => this.#showPinned()));
    on("keyboards", here(() => this.composer.refresh()));
    on("meta", () => { this.#head(); this.composer.refresh(); });
    on("reset", () => this.show());
    on("action", ({ detail }) => this.#acting(detail));
    on("callback_answer", ({ detail }) => this.#answer(detail));
  }

  /** Where one writes: drafts and unsent messages belong to it. */
  #place() { return `${this.chatId}/${this.actorId}/${this.threadId}`; }

  #shown() {
    const messages = [...(this.chat?.byId.values() ?? [])];
    return this.chat?.is_forum ? messages.filter((message) => threadOf(message) === this.threadId) : messages;
  }

  #head() {
    const { title, subtitle } = this.who();
    const members = Object.values(this.chat?.members ?? {}).filter((status) => !["left", "kicked"].includes(status)).length;
    this.title.textContent = title;
    this.avatar.textContent = initials(title);
    this.plainSubtitle = this.isGroup ? `${this.label} · ${count(members, "membro", "membros")}` : subtitle;
    if (!this.#typingTimer) this.subtitle.textContent = this.plainSubtitle;
  }

  openTopic(threadId) {
    const before = this.#place();
    this.threadId = threadId;
    this.composer.swap(before, this.#place());
    this.redraw();
    this.#toBottom();
    this.seen();
    this.topics.show();
  }

  #topicsChanged() {
    if (this.threadId && !this.topics.find(this.threadId)) {
      this.openTopic(null);
      this.notice("O tópico foi apagado.");
      return;
    }
    this.topics.redraw();
    this.composer.refresh();
  }

  #item(message) {
    return messageItem(message, {
      actorId: this.actorId,
      isGroup: this.isGroup,
      reactions: this.chat.reactions?.[message.message_id],
      onReply: (target) => this.composer.replyTo(target),
      onEdit: (target) => this.composer.edit(target),
      onDelete: (target) => this.#delete(target),
      onPress: (target, button, element) => this.#press(target, button, element),
      onCopy: (text) => navigator.clipboard.writeText(text).then(() => this.notice("Copiado"), () => this.notice("Não deu para copiar")),
      onCommand: (text) => this.composer.sendCommand(text),
      onQuote: (messageId) => this.#goTo(messageId),
    });
  }

  #append(message) {
    const item = this.#item(message);
    const before = this.list.lastElementChild?.dataset.album;
    if (before && before === item.dataset.album) item.classList.add("in-album");
    this.list.append(item);
  }

  #showPinned() {
    const ids = this.chat?.pinned ?? [];
    const here = ids.map((id) => this.chat.byId.get(id)).filter((message) => message && (!this.chat.is_forum || threadOf(message) === this.threadId));
    const message = here.at(-1);
    this.pinned.hidden = !message;
    if (!message) return;
    const about = summary(message).split("\n").find((line) => line.trim()) ?? "";
    this.pinned.replaceChildren(icon("pin"), h("span", {}, h("strong", {}, "Mensagem fixada"), h("span", {}, about)));
    this.pinned.onclick = () => this.#goTo(message.message_id);
  }

  #node(messageId) { return this.list.querySelector(`[data-message-id="${messageId}"]`); }

  #dayLine(message, lastDay) {
    const key = dayKey(message.date);
    if (key !== lastDay) this.list.append(h("p", { class: "day", "data-day": key }, h("span", {}, dayName(message.date))));
    return key;
  }

  #emptyState() {
    const isEmpty = !this.list.querySelector("[data-message-id]");
    this.list.querySelector(".empty")?.remove();
    if (!isEmpty) return;
    const hint = this.isGroup ? "As conversas dos clientes chegam aqui." : "Escreva qualquer coisa ou toque em Iniciar.";
    this.list.append(h("div", { class: "empty" }, h("p", {}, this.isGroup ? "Nada por aqui ainda." : "Nenhuma mensagem ainda."), h("p", {}, hint),
      this.isGroup || this.closedReason() ? null : h("button", { type: "button", class: "primary", "data-testid": "start", onclick: () => this.composer.sendText("/start") }, "Iniciar")));
  }

  #arrived(message) {
    const own = message.from.id === this.actorId;
    if (message.from.id === this.store.bot.id) this.#stopTyping();
    const thread = threadOf(message);
    if (this.chat.is_forum && thread !== this.threadId) {
      this.#elsewhere(message, thread);
      return;
    }
    const stick = own || this.#stuck;
    this.list.querySelector(".empty")?.remove();
    const days = this.list.querySelectorAll("[data-day]");
    this.#dayLine(message, days.length ? days[days.length - 1].dataset.day : "");
    this.#append(message);
    if (stick) this.#toBottom();
    else {
      this.#unseen += 1;
      this.#showJump();
    }
    this.#countUnread(own);
  }

  #elsewhere(message, thread) {
    if (message.forum_topic_created && this.threadId === null && this.composer.isEmpty) {
      this.openTopic(thread);
      return;
    }
    if (!serviceText(message)) this.topics.addUnread(this.chatId, thread);
    this.topics.redraw();
    this.#countUnread(message.from.id === this.actorId);
  }

  #countUnread(own) {
    if (own || (this.isVisible(this) && document.visibilityState === "visible")) return;
    this.unread += 1;
    this.onUnread(this);
  }

  #changed(message) {
    const node = this.#node(message.message_id);
    if (!node) return;
    const stick = this.#stuck;
    const hadFocus = node.contains(document.activeElement);
    const fresh = this.#item(message);
    fresh.classList.toggle("in-album", node.classList.contains("in-album"));
    if (this.chat.pinned?.includes(message.message_id)) this.#showPinned();
    node.replaceWith(fresh);
    if (hadFocus) fresh.focus({ preventScroll: true });
    if (stick) this.#toBottom();
  }

  #deleted(messageId) {
    const node = this.#node(messageId);
    this.composer.deleted(messageId);
    this.#showPinned();
    if (!node) return;
    const previous = node.previousElementSibling;
    const isLastOfDay = previous?.classList.contains("day") && (!node.nextElementSibling || node.nextElementSibling.classList.contains("day"));
    if (isLastOfDay) previous.remove();
    node.remove();
    this.#emptyState();
  }

  async #delete(message) {
    try {
      await act("delete", { user_id: this.actorId, chat_id: this.chatId, message_id: message.message_id });
      this.list.focus({ preventScroll: true });
    } catch {
      this.notice("Não deu para apagar a mensagem.");
    }
  }

  async #press(message, button, element) {
    element.classList.add("busy");
    element.setAttribute("aria-busy", "true");
    const done = () => {
      element.classList.remove("busy");
      element.removeAttribute("aria-busy");
    };
    try {
      if (button.web_app) {
        await this.onWebApp(this.actorId, message, button, element);
        done();
        return;
      }
      const id = await act("press", { user_id: this.actorId, chat_id: this.chatId, message_id: message.message_id, data: button.callback_data });
      if (this.#answered.delete(id)) done();
      else {
        this.#waiting.set(id, done);
        setTimeout(() => { if (this.#waiting.delete(id)) done(); }, ANSWER_MS);
      }
    } catch {
      done();
      this.notice("Esse botão não está mais disponível.");
    }
  }

  #answer(detail) {
    if (detail.user_id !== this.actorId || detail.chat_id !== this.chatId) return;
    const done = this.#waiting.get(detail.callback_id);
    if (done) done();
    else this.#answered.add(detail.callback_id);
    this.#waiting.delete(detail.callback_id);
    if (detail.text && detail.show_alert) this.onAlert(detail.text);
    else if (detail.text) this.notice(detail.text);
  }

  #acting({ chat_id: chatId, action, thread_id: threadId }) {
    const elsewhere = this.chat?.is_forum && (threadId || null) !== this.threadId && threadId !== 1;
    if (chatId !== this.chatId || elsewhere) return;
    clearTimeout(this.#typingTimer);
    const what = ACTIONS[action] ?? "trabalhando…";
    this.subtitle.textContent = this.isGroup ? `${this.store.bot.first_name} está ${what}` : what;
    this.subtitle.classList.add("typing");
    this.#typingTimer = setTimeout(() => this.#stopTyping(), TYPING_MS);
  }

  #stopTyping() {
    clearTimeout(this.#typingTimer);
    this.#typingTimer = 0;
    this.subtitle.classList.remove("typing");
    this.subtitle.textContent = this.plainSubtitle;
  }

  #atBottom() { return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < STICKY_PX; }

  #toBottom() {
    this.list.scrollTop = this.list.scrollHeight;
    this.#stuck = true;
    this.#unseen = 0;
    this.#showJump();
  }

  #scrolled() {
    // Only a reader who moves up lets go of the end; content that grew does not.
    const movedUp = this.list.scrollTop < this.#lastTop;
    this.#lastTop = this.list.scrollTop;
    if (this.#atBottom()) this.#stuck = true;
    else if (movedUp) this.#stuck = false;
    if (this.#stuck) this.#unseen = 0;
    this.#showJump();
  }

  #showJump() {
    this.jump.hidden = this.#atBottom();
    this.jump.replaceChildren(icon("down"), this.#unseen ? h("span", { class: "badge" }, String(this.#unseen)) : "");
    this.jump.setAttribute("aria-label", this.#unseen ? count(this.#unseen, "mensagem nova", "mensagens novas") : "Ir para o fim");
  }

  #goTo(messageId) {
    const node = this.#node(messageId);
    if (!node) {
      this.notice("Essa mensagem não está mais aqui.");
      return;
    }
    node.scrollIntoView({ block: "center" });
    node.focus({ preventScroll: true });
    node.classList.add("found");
    setTimeout(() => node.classList.remove("found"), 1200);
  }

  #listKey(event) {
    const items = [...this.list.querySelectorAll("[data-message-id]")];
    const at = items.indexOf(event.target.closest("[data-message-id]"));
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      const next = at < 0 ? items.length - 1 : at + (event.key === "ArrowUp" ? -1 : 1);
      items[Math.max(0, Math.min(items.length - 1, next))]?.focus();
    } else if (event.target === items[at] && (event.key === "Enter" || event.key === "r")) {
      event.preventDefault();
      const message = this.chat.byId.get(Number(items[at].dataset.messageId));
      if (message && !serviceText(message)) this.composer.replyTo(message);
    } else if (event.key === "Escape") {
      this.composer.input.focus();
    }
  }

  #drag(event, over) {
    if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault();
    this.element.classList.toggle("dropping", over);
  }

  #drop(event) {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    this.element.classList.remove("dropping");
    this.composer.addFiles(event.dataTransfer.files);
  }
}
