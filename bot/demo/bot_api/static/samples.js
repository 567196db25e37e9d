// What a person can send besides text and files, each as one example: to see how the bot takes it.

import { act } from "./api.js";
import { h, iconButton } from "./dom.js";

const KINDS = {
  location: "Localização", live_location: "Localização em tempo real", venue: "Local", contact: "Contato de outra pessoa",
  sticker: "Figurinha", voice: "Mensagem de voz", video_note: "Vídeo redondo", poll: "Enquete", dice: "Dado",
  checklist: "Lista de tarefas", story: "História", game: "Jogo", paid_media: "Mídia paga",
};

export class Samples {
  #pane;

  /** pane: {chatId, actorId, threadId, addPending, composer} */
  constructor(pane) {
    this.#pane = pane;
    this.button = iconButton("plus", "Enviar outra coisa", { "data-testid": "samples", "aria-expanded": "false", onclick: () => this.#open(this.menu.hidden) });
    this.menu = h("ul", { class: "commands samples", "data-testid": "sample-list", "aria-label": "Enviar um exemplo", hidden: true,
      onkeydown: (event) => { if (event.key === "Escape") { this.close(); this.button.focus(); } } },
    Object.entries(KINDS).map(([kind, name]) => h("li", {}, h("button", { type: "button", onclick: () => this.#send(kind, name) }, name))));
  }

  close() { this.#open(false); }

  #open(open) {
    this.menu.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) this.menu.querySelector("button").focus();
  }

  #send(kind, name) {
    const { actorId, chatId, threadId } = this.#pane;
    this.close();
    const replyTo = this.#pane.composer.takeReply();
    this.#pane.addPending(name, () => act("sample", { user_id: actorId, chat_id: chatId, kind, reply_to: replyTo, thread_id: threadId }));
  }
}
