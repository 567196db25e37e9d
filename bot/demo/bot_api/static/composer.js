// Where a person writes: text, reply and edit, attachments, the "/" list and the reply keyboard.

import { act, sendFile } from "./api.js";
import { h, icon, iconButton } from "./dom.js";
import { fileSize, fullName, summary } from "./format.js";
import { Samples } from "./samples.js";

const TEXT_LIMIT = 4096;
const ALBUM_LIMIT = 10;

export class Composer {
  #pane;
  #replyTo = null;
  #editing = null;
  #files = [];
  #drafts = new Map();
  #keyboardHidden = false;
  #commandIndex = 0;

  /** pane: {store, key, chatId, actorId, threadId, chat, addPending, notice} */
  constructor(pane) {
    this.#pane = pane;
    this.picker = h("input", { type: "file", multiple: true, class: "sr-only", tabindex: "-1", "aria-hidden": "true",
      "data-testid": "file-input", onchange: () => this.#picked() });
    this.input = h("textarea", {
      rows: "1", maxlength: String(TEXT_LIMIT), "data-testid": "input", autocomplete: "off",
      "aria-label": `Mensagem (${pane.label})`, placeholder: "Mensagem",
      oninput: () => this.#typed(), onkeydown: (event) => this.#key(event), onpaste: (event) => this.#pasted(event),
    });
    this.sendButton = iconButton("send", "Enviar", { class: "icon-button send", "data-testid": "send", onclick: () => this.send() });
    this.attachButton = iconButton("attach", "Anexar arquivo", { "data-testid": "attach", onclick: () => this.picker.click() });
    this.slashButton = iconButton("slash", "Comandos", { class: "icon-button slash", "data-testid": "commands",
      "aria-expanded": "false", onclick: () => this.#toggleCommands() });
    this.keyboardButton = iconButton("keyboard", "Esconder botões", { class: "icon-button toggle-keyboard", "aria-pressed": "true",
      onclick: () => this.#toggleKeyboard() });
    this.samples = new Samples(pane);
    this.context = h("div", { class: "composer-context", hidden: true });
    this.strip = h("ul", { class: "attachments", "aria-label": "Anexos", hidden: true });
    this.commands = h("ul", { class: "commands", role: "listbox", "aria-label": "Comandos", "data-testid": "command-list", hidden: true });
    this.keyboard = h("div", { class: "reply-keyboard", "aria-label": "Respostas rápidas", role: "group" });
    this.closed = h("p", { class: "closed", hidden: true });
    this.row = h("div", { class: "composer-row" }, this.attachButton, this.samples.button, this.picker, this.input, this.slashButton, this.keyboardButton, this.sendButton);
    this.element = h("div", { class: "composer" }, this.commands, this.samples.menu, this.context, this.strip, this.closed, this.row, this.keyboard);
    this.#typed();
  }

  get isEmpty() {
    return !this.input.value.trim() && !this.#files.length;
  }

  /** Keep the draft of the chat that is left, bring back the one of the chat that is shown. */
  swap(fromKey, toKey) {
    this.samples.close();
    if (fromKey) this.#drafts.set(fromKey, this.input.value);
    this.cancel();
    this.#files = [];
    this.input.value = this.#drafts.get(toKey) ?? "";
    this.#showFiles();
    this.#typed();
  }

  put(text) {
    this.input.value = text;
    this.input.focus();
    this.#typed();
  }

  /** Put a text after what is written already. */
  add(text) {
    this.put([this.input.value.trim(), text].filter(Boolean).join(" "));
  }

  replyTo(message) {
    this.#editing = null;
    this.#replyTo = message;
    this.#showContext("reply", `Respondendo a ${fullName(message.from)}`, summary(message));
    this.input.focus();
  }

  edit(message) {
    this.#replyTo = null;
    this.#editing = message;
    this.#showContext("edit", "Editando a mensagem", summary(message));
    this.put(message.text ?? message.caption ?? "");
  }

  cancel() {
    if (this.#editing) this.input.value = "";
    this.#replyTo = null;
    this.#editing = null;
    this.context.hidden = true;
    this.#closeCommands();
    this.#typed();
  }

  addFiles(files) {
    this.#files.push(...[...files].map((file) => ({ file, asDocument: false })));
    this.#showFiles();
    this.input.focus();
  }

  async send() {
    const text = this.input.value.trim();
    if (this.#editing) {
      await this.#sendEdit(text);
      return;
    }
    if (this.#files.length) {
      this.#sendFiles(text);
      return;
    }
    if (!text) return;
    this.sendText(text, this.#replyTo?.message_id);
    this.input.value = "";
    this.cancel();
    this.input.focus();
  }

  /** Return the id of the message replied to, or null: what is sent with it ends the reply. */
  takeReply() {
    const replyTo = this.#replyTo?.message_id ?? null;
    if (replyTo) this.cancel();
    return replyTo;
  }

  /** A message was deleted: nobody can reply to it or edit it any more. */
  deleted(messageId) {
    if ((this.#replyTo ?? this.#editing)?.message_id === messageId) this.cancel();
  }

  sendCommand(text) {
    this.sendText(text, this.takeReply());
  }

  sendText(text, replyTo) {
    const { actorId, chatId, threadId } = this.#pane;
    this.#pane.addPending(text, () => act("text", { user_id: actorId, chat_id: chatId, text, reply_to: replyTo ?? null, thread_id: threadId }));
  }

  async #sendEdit(text) {
    const { actorId, chatId, store } = this.#pane;
    const message = this.#editing;
    if (!text || text === (message.text ?? message.caption)) {
      this.cancel();
      return;
    }
    try {
      store.keep(chatId, await act("edit", { user_id: actorId, chat_id: chatId, message_id: message.message_id, text }));
      this.cancel();
    } catch {
      this.#pane.notice("Não deu para editar a mensagem.");
    }
  }

  #sendFiles(caption) {
    const { actorId, chatId, threadId } = this.#pane;
    const chosen = this.#files;
    const kinds = chosen.map(({ file, asDocument }) => kindOf(file, asDocument));
    const isAlbum = chosen.length > 1 && canBeAlbum(kinds);
    const album = `${Date.now()}${Math.floor(Math.random() * 1000)}`;
    const replyTo = this.#replyTo?.message_id;
    // One after the other: an album keeps the order in which it was chosen.
    let before = Promise.resolve();
    chosen.forEach(({ file }, index) => {
      const values = { user_id: actorId, chat_id: chatId, kind: kinds[index], thread_id: threadId,
        media_group_id: isAlbum ? `${album}${Math.floor(index / ALBUM_LIMIT)}` : undefined,
        caption: index === 0 ? caption : undefined, reply_to: index === 0 ? replyTo : undefined };
      const turn = before;
      before = new Promise((done) => {
        this.#pane.addPending(file.name, () => turn.then(() => sendFile(file, values)).finally(done));
      });
    });
    this.#files = [];
    this.input.value = "";
    this.#showFiles();
    this.cancel();
  }

  #picked() {
    this.addFiles(this.picker.files);
    this.picker.value = "";
  }

  #pasted(event) {
    if (event.clipboardData.files.length) {
      event.preventDefault();
      this.addFiles(event.clipboardData.files);
    }
  }

  #showContext(iconName, title, text) {
    this.context.replaceChildren(icon(iconName), h("div", {}, h("strong", {}, title), h("span", {}, text)),
      iconButton("close", "Cancelar", { "data-testid": "cancel", onclick: () => { this.cancel(); this.input.focus(); } }));
    this.context.hidden = false;
  }

  #showFiles() {
    this.strip.hidden = !this.#files.length;
    this.strip.replaceChildren(...this.#files.map((chosen, index) => {
      const isMedia = kindOf(chosen.file, false) !== "document";
      return h("li", {}, icon("file"),
        h("span", { class: "file-text" }, h("strong", {}, chosen.file.name), h("span", {}, fileSize(chosen.file.size))),
        isMedia ? h("label", {}, h("input", { type: "checkbox", checked: chosen.asDocument, onchange: (event) => { chosen.asDocument = event.target.checked; } }), "como arquivo") : null,
        iconButton("close", `Tirar ${chosen.file.name}`, { onclick: () => { this.#files.splice(index, 1); this.#showFiles(); } }));
    }));
    this.#typed();
  }

  #typed() {
    const { input } = this;
    input.style.height = "auto";
    if (input.scrollHeight) input.style.height = `${Math.min(input.scrollHeight + input.offsetHeight - input.clientHeight, 140)}px`;
    this.sendButton.disabled = this.isEmpty;
    if (!this.#editing && /^\/\w*$/.test(input.value)) this.#showCommands(input.value.slice(1));
    else this.#closeCommands();
  }

  #key(event) {
    if (event.isComposing) return;
    if (!this.commands.hidden && this.#commandKey(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (!this.isEmpty || this.#editing) this.send();
    } else if (event.key === "Escape" && !this.context.hidden) {
      event.preventDefault();
      this.cancel();
    } else if (event.key === "ArrowUp" && !this.input.value) {
      const last = this.#pane.lastOwnText();
      if (last) {
        event.preventDefault();
        this.edit(last);
      }
    }
  }

  #commandKey(event) {
    const options = [...this.commands.children];
    if (event.key === "Escape") this.#closeCommands();
    else if (event.key === "ArrowDown") this.#mark((this.#commandIndex + 1) % options.length);
    else if (event.key === "ArrowUp") this.#mark((this.#commandIndex + options.length - 1) % options.length);
    else if (event.key === "Enter" || event.key === "Tab") options[this.#commandIndex].click();
    else return false;
    event.preventDefault();
    return true;
  }

  #toggleCommands() {
    if (this.commands.hidden) this.#showCommands("");
    else this.#closeCommands();
    this.input.focus();
  }

  #showCommands(typed) {
    const known = this.#pane.chat?.commands?.[this.#pane.actorId] ?? [];
    const start = typed.toLowerCase();
    const matching = known.filter(({ command }) => command.startsWith(start));
    // Enter sends the first one: a command that is typed in full.
    matching.sort((one, other) => (other.command === start) - (one.command === start));
    if (!matching.length) {
      this.#closeCommands();
      return;
    }
    this.commands.replaceChildren(...matching.map(({ command, description }, index) =>
      h("li", { role: "option", id: `${this.#pane.key}-command-${index}`, onmousedown: (event) => event.preventDefault(),
        onclick: () => this.#runCommand(command) }, h("strong", {}, `/${command}`), h("span", {}, description))));
    this.commands.hidden = false;
    this.slashButton.setAttribute("aria-expanded", "true");
    this.#mark(0);
  }

  #runCommand(command) {
    this.input.value = "";
    this.sendCommand(`/${command}`);
    this.#typed();
    this.input.focus();
  }

  #mark(index) {
    this.#commandIndex = index;
    [...this.commands.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === index)));
    this.commands.children[index].scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", this.commands.children[index].id);
  }

  #closeCommands() {
    this.commands.hidden = true;
    this.slashButton.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  #toggleKeyboard() {
    this.#keyboardHidden = !this.#keyboardHidden;
    this.refresh();
  }

  /** Show what the chat's state allows: its reply keyboard, its commands, or why nobody can write. */
  refresh() {
    const { chat, actorId } = this.#pane;
    const keyboard = chat?.keyboards?.[actorId];
    const rows = keyboard?.keyboard ?? [];
    this.input.placeholder = keyboard?.input_field_placeholder ?? "Mensagem";
    this.slashButton.hidden = !(chat?.commands?.[actorId]?.length);
    this.keyboardButton.hidden = !rows.length;
    this.keyboardButton.setAttribute("aria-pressed", String(!this.#keyboardHidden));
    const label = this.#keyboardHidden ? "Mostrar botões" : "Esconder botões";
    this.keyboardButton.setAttribute("aria-label", label);
    this.keyboardButton.title = label;
    this.keyboard.hidden = !rows.length || this.#keyboardHidden;
    this.keyboard.replaceChildren(...rows.map((row) => h("div", { class: "row" }, row.map((button) => this.#replyButton(button)))));
    const reason = this.#pane.closedReason();
    this.closed.replaceChildren(...(reason ? [reason].flat() : []));
    this.closed.hidden = !reason;
    this.row.hidden = Boolean(reason);
    if (reason) this.keyboard.hidden = true;
    const forced = keyboard?.force_reply ? chat.byId.get(keyboard.message_id) : null;
    if (forced && this.#replyTo?.message_id !== forced.message_id) this.replyTo(forced);
  }

  #replyButton(button) {
    const { actorId, chatId, threadId } = this.#pane;
    const press = () => act("reply-button", { user_id: actorId, chat_id: chatId, text: button.text, thread_id: threadId });
    return h("button", { type: "button", class: "reply-button", "data-testid": "reply-button", "data-style": button.style,
      onclick: () => this.#pane.addPending(button.text, press) },
    h("span", {}, button.text),
    button.request_contact ? h("span", { class: "sr-only" }, " (envia seu telefone)") : null);
  }
}

function kindOf(file, asDocument) {
  if (asDocument) return "document";
  if (/^image\/(png|jpeg|gif)$/.test(file.type)) return "photo";
  if (file.type === "image/webp") return "sticker";
  if (/^audio\/(ogg|opus|webm)/.test(file.type)) return "voice";
  if (file.type.startsWith("audio/")) return "audio";
  if (file.type.startsWith("video/")) return "video";
  return "document";
}

function canBeAlbum(kinds) {
  return kinds.every((kind) => kind === "photo" || kind === "video")
    || kinds.every((kind) => kind === "document") || kinds.every((kind) => kind === "audio");
}
