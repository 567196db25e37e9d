// A newcomer's first three steps, over the customer's messages until they are done or put away.

import { h, icon, iconButton } from "./dom.js";

const KEPT = "balcao-steps";
const bare = (text) => (text ?? "").replace(/[^0-9a-z]/gi, "").toUpperCase();

export class Steps {
  #store;
  #options;

  /** options: {person(): {user_id, name, tax_id}, isChosen(), onPeople(), onTaxId(text), onClose()} */
  constructor(store, options) {
    this.#store = store;
    this.#options = options;
    this.list = h("ol", {});
    this.element = h("section", { class: "steps", "data-testid": "steps", "aria-label": "Três passos para começar", hidden: true }, this.list,
      iconButton("close", "Fechar os passos", { "data-testid": "close-steps", onclick: () => { this.#end(); options.onClose(); } }));
    for (const kind of ["person", "reset"]) store.addEventListener(kind, () => this.#show());
    store.addEventListener("message", ({ detail }) => {
      if (detail.chatId === options.person().user_id && this.#show()) this.#end();
    });
    this.#show();
  }

  restart() {
    localStorage.removeItem(KEPT);
    this.#show();
  }

  #end() {
    localStorage.setItem(KEPT, "done");
    this.#show();
  }

  /** Return whether the last step is done. */
  #show() {
    const { person, isChosen, onPeople, onTaxId } = this.#options;
    const { user_id: userId, name, tax_id: taxId } = person();
    const said = [...(this.#store.chat(userId)?.byId.values() ?? [])].filter((message) => message.from.id === userId);
    const isSent = said.some((message) => bare(message.text).includes(bare(taxId)));
    const kind = taxId.includes("/") ? "CNPJ" : "CPF";
    const people = h("button", { type: "button", class: "link", onclick: onPeople }, "Pessoas");
    const document = h("button", { type: "button", class: "link", "data-testid": "step-tax-id", "aria-label": `Pôr na mensagem o ${kind} ${taxId}`,
      onclick: () => onTaxId(taxId) }, taxId);
    this.#draw([
      [isChosen() || said.length > 0, ["Em ", people, `, escolha quem você vai ser. Agora é ${name}.`]],
      [said.length > 0, ["Toque em ", h("strong", {}, "Iniciar"), ", aqui embaixo."]],
      [isSent, [`Toque no ${kind} `, document, " e depois em ", h("strong", {}, "Enviar"), "."]],
    ]);
    this.element.hidden = localStorage.getItem(KEPT) === "done";
    return isSent;
  }

  #draw(steps) {
    const current = steps.findIndex(([isDone]) => !isDone);
    this.list.replaceChildren(...steps.map(([isDone, text], index) => h("li", { class: isDone ? "done" : null, "aria-current": index === current ? "step" : null },
      h("span", { class: "step-number" }, isDone ? icon("check") : `${index + 1}`),
      h("p", {}, isDone ? h("span", { class: "sr-only" }, "Feito: ") : null, text))));
  }
}
