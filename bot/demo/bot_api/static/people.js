// The people one can be: their documents to copy, and a button to become them.

import { h, icon, iconButton } from "./dom.js";
import { initials } from "./format.js";

export class PeoplePanel {
  #cards = new Map();

  /** options: {onBe(userId), onTaxId(text), onSteps(), onClose()} */
  constructor(scene, options) {
    this.list = h("ul", { class: "people-list" }, scene.people.map((person) => this.#card(person, options)));
    this.element = h("aside", { class: "people", id: "people", "aria-label": "Pessoas", "data-testid": "people" },
      h("header", { class: "people-head" }, h("h2", {}, "Pessoas"), iconButton("close", "Fechar", { class: "icon-button close-people", onclick: options.onClose })),
      scene.note ? h("p", { class: "note" }, scene.note) : null,
      h("button", { type: "button", class: "link show-steps", onclick: options.onSteps }, "Ver os três passos"), this.list);
  }

  #card(person, options) {
    const badge = h("span", { class: "badge", hidden: true });
    const copied = h("span", { class: "copied", role: "status" });
    const be = h("button", { type: "button", class: "be", "data-testid": "be-person", onclick: () => options.onBe(person.user_id) });
    const card = h("li", { class: "person", "data-testid": "person", "data-user-id": person.user_id },
      h("div", { class: "person-top" }, h("span", { class: "avatar small", "aria-hidden": "true" }, initials(person.name)),
        h("strong", {}, person.name), badge),
      h("p", {}, person.shows),
      h("button", { type: "button", class: "tax-id", "data-testid": "copy-tax-id", title: "Copiar o documento", "aria-label": `Copiar ${person.tax_id}`,
        onclick: () => this.#copy(person, copied, options) }, h("code", {}, person.tax_id), icon("copy")),
      copied, be);
    this.#cards.set(person.user_id, { card, badge, be });
    return card;
  }

  async #copy(person, copied, options) {
    const filled = options.onTaxId(person.tax_id);
    let text = filled ? "Copiado para a mensagem" : "Copiado";
    try {
      await navigator.clipboard.writeText(person.tax_id);
    } catch {
      text = filled ? "Colado na mensagem" : "Não deu para copiar";
    }
    copied.textContent = text;
    setTimeout(() => { copied.textContent = ""; }, 2000);
  }

  /** Mark who one is now, and who has unread messages: {user id: number}. */
  mark(currentId, unread) {
    for (const [userId, { card, badge, be }] of this.#cards) {
      const isCurrent = userId === currentId;
      card.classList.toggle("current", isCurrent);
      be.textContent = isCurrent ? "Você é esta pessoa" : "Ser esta pessoa";
      be.setAttribute("aria-pressed", String(isCurrent));
      const waiting = isCurrent ? 0 : unread.get(userId) ?? 0;
      badge.hidden = !waiting;
      badge.textContent = String(waiting);
    }
  }
}
