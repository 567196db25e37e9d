// A Mini App in a frame beside the chat that opened it, as Telegram's web client shows it.

import { act } from "./api.js";
import { h, iconButton } from "./dom.js";

export class MiniApp {
  #themes = {};
  #opener = null;

  constructor() {
    this.back = h("button", { type: "button", class: "link", "data-testid": "mini-app-back", hidden: true, onclick: () => this.#tell("back_button_pressed") }, "Voltar");
    this.frame = h("iframe", { title: "Cadastro", "data-testid": "mini-app-frame", allow: "" });
    this.element = h("section", { class: "mini-app", id: "mini-app", "data-testid": "mini-app", "aria-label": "Página aberta pelo bot", hidden: true },
      h("header", {}, this.back, h("h2", {}, "Balcão"), iconButton("close", "Fechar a página", { "data-testid": "mini-app-close", onclick: () => this.close() })), this.frame);
    window.addEventListener("message", (event) => this.#heard(event));
    new MutationObserver(() => this.#tell("theme_changed", { theme_params: this.#themes[theme()] }))
      .observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  /** Open what the button of a message opens; throws if there is no such button any more. */
  async open(actorId, message, button, opener) {
    const { url, themes } = await act("open-web-app", { user_id: actorId, chat_id: message.chat.id, message_id: message.message_id, text: button.text, theme: theme() });
    this.#themes = themes;
    this.#opener = opener;
    this.back.hidden = true;
    // A frame that only gets another fragment would not load anew.
    const fresh = this.frame.cloneNode();
    fresh.src = url;
    this.frame.replaceWith(fresh);
    this.frame = fresh;
    this.element.hidden = false;
    document.body.classList.add("mini-app-open");
    fresh.focus();
  }

  close() {
    if (this.element.hidden) return;
    this.element.hidden = true;
    this.frame.removeAttribute("src");
    document.body.classList.remove("mini-app-open");
    if (this.#opener?.isConnected) this.#opener.focus();
  }

  #heard({ source, data }) {
    if (source !== this.frame.contentWindow || typeof data !== "string") return;
    const { eventType, eventData } = JSON.parse(data);
    if (eventType === "web_app_close") this.close();
    else if (eventType === "web_app_setup_back_button") this.back.hidden = !eventData.is_visible;
  }

  #tell(eventType, eventData = {}) {
    this.frame.contentWindow?.postMessage(JSON.stringify({ eventType, eventData }), "*");
  }
}

function theme() {
  return document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}
