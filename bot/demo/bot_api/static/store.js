// What the server knows, kept up to date: a snapshot first, then numbered events.

import { get } from "./api.js";

const LAST = 300;

export class Store extends EventTarget {
  scene = null;
  bot = null;
  users = {};
  chats = {};
  #seq = "";
  #source = null;
  #metaTimer = 0;
  #retryTimer = 0;

  async open() {
    this.scene = await get("/demo/api/scene");
    await this.#load();
    this.#listen();
  }

  chat(id) {
    return this.chats[id];
  }

  /** The id a group has now: an upgraded one has another. */
  groupNow(id) {
    return this.chats[id]?.migrated_to ?? id;
  }

  /** Put a message where it belongs, whether it came by event or as the answer to a call. */
  keep(chatId, message) {
    const chat = this.chats[chatId];
    if (!chat) return;
    const isNew = !chat.byId.has(message.message_id);
    chat.byId.set(message.message_id, message);
    this.#tell(isNew ? "message" : "edit", { chatId, message });
  }

  async #load() {
    const state = await get(`/demo/api/state?last=${LAST}`);
    this.#seq = state.seq;
    this.bot = state.bot;
    this.users = state.users;
    this.chats = {};
    for (const [id, chat] of Object.entries(state.chats)) {
      this.chats[id] = { ...chat, byId: new Map(chat.messages.map((message) => [message.message_id, message])) };
    }
  }

  async #loadMeta() {
    try {
      const state = await get("/demo/api/state?last=0");
      this.users = state.users;
      for (const [id, chat] of Object.entries(state.chats)) {
        const { commands, members } = chat;
        // Messages, keyboards and topics come by event; this answer may be older than the last one.
        if (this.chats[id]) Object.assign(this.chats[id], { commands, members });
        else this.chats[id] = { ...chat, byId: new Map() };
      }
      this.#tell("meta");
    } catch {
      // The stream notices that the server is gone, and loads everything when it is back.
    }
  }

  #tell(kind, detail = {}) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  #listen() {
    this.#source?.close();
    const source = new EventSource(`/demo/events?since=${encodeURIComponent(this.#seq)}`);
    this.#source = source;
    const on = (kind, handle) => source.addEventListener(kind, (event) => {
      if (event.lastEventId) this.#seq = event.lastEventId;
      handle(JSON.parse(event.data));
    });
    source.onopen = () => this.#tell("online");
    source.onerror = () => this.#lost();
    on("message", (data) => this.keep(data.chat_id, data.message));
    on("edit", (data) => this.keep(data.chat_id, data.message));
    on("delete", (data) => {
      this.chats[data.chat_id]?.byId.delete(data.message_id);
      this.#tell("delete", { chatId: data.chat_id, messageId: data.message_id });
    });
    on("topics", (data) => this.#patch(data.chat_id, { topics: data.topics }, "topics"));
    on("keyboards", (data) => this.#patch(data.chat_id, { keyboards: data.keyboards }, "keyboards"));
    on("pinned", (data) => this.#patch(data.chat_id, { pinned: data.pinned }, "pinned"));
    on("reactions", (data) => {
      const chat = this.chats[data.chat_id];
      if (!chat) return;
      chat.reactions[data.message_id] = data.reactions;
      const message = chat.byId.get(data.message_id);
      if (message) this.#tell("edit", { chatId: data.chat_id, message });
    });
    on("action", (data) => this.#tell("action", data));
    on("callback_answer", (data) => this.#tell("callback_answer", data));
    on("switch", (data) => this.#tell("switch", data));
    for (const kind of ["users", "members", "commands"]) on(kind, () => this.#metaSoon());
    on("scene", () => location.reload());
    for (const kind of ["chats", "reset"]) on(kind, () => this.#resync());
  }

  #patch(chatId, values, kind) {
    if (!this.chats[chatId]) return;
    Object.assign(this.chats[chatId], values);
    this.#tell(kind, { chatId });
  }

  #metaSoon() {
    clearTimeout(this.#metaTimer);
    this.#metaTimer = setTimeout(() => this.#loadMeta(), 50);
  }

  #lost() {
    this.#tell("offline");
    this.#source?.close();
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#resync(), 1000);
  }

  async #resync() {
    try {
      await this.#load();
    } catch {
      this.#lost();
      return;
    }
    this.#tell("reset");
    this.#listen();
  }
}
