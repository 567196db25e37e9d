// Puts the page together: header, people, the three chats, and what happens when the server is gone.

import { act } from "./api.js";
import { h, icon, iconButton } from "./dom.js";
import { fullName } from "./format.js";
import { serviceText } from "./message.js";
import { MiniApp } from "./mini_app.js";
import { Pane } from "./pane.js";
import { PeoplePanel } from "./people.js";
import { Steps } from "./steps.js";
import { Store } from "./store.js";
import { threadOf } from "./topics.js";

const phone = matchMedia("(max-width: 799px)");
const narrow = matchMedia("(max-width: 1279px)");
const byId = (id) => document.getElementById(id);
const store = new Store();
const unreadPeople = new Map();
const panes = {};
const miniApp = new MiniApp();
let panel;
let visible = "customer";

const remembered = (name) => Number(sessionStorage.getItem(name)) || null;
const chosen = { customer: remembered("balcao-person"), attendant: remembered("balcao-attendant"), group: remembered("balcao-group") };
const unreadGroups = new Map();

function userName(userId) {
  const user = store.users[userId];
  return user ? fullName(user) : "—";
}

function themeButton() {
  const isDark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const button = iconButton("moon", "", { "data-testid": "theme", onclick: () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    localStorage.setItem("balcao-theme", document.documentElement.dataset.theme);
    show();
  } });
  const show = () => {
    const label = isDark() ? "Usar tema claro" : "Usar tema escuro";
    button.replaceChildren(icon(isDark() ? "sun" : "moon"));
    button.setAttribute("aria-label", label);
    button.title = label;
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();
  return button;
}

function switchControl(definition) {
  const name = `switch-${definition.key}`;
  const inputs = definition.options.map(([value, label]) => h("label", {},
    h("input", { type: "radio", name, value, checked: value === definition.value, class: "sr-only", onchange: async () => {
      try {
        const response = await fetch("/demo/api/switch", { method: "POST", headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ key: definition.key, value }) });
        if (!response.ok) throw new Error(response.statusText);
      } catch {
        panes.admin.notice("Não deu para trocar. Tente de novo.");
      }
    } }), h("span", {}, label)));
  store.addEventListener("switch", ({ detail }) => {
    if (detail.key !== definition.key) return;
    for (const label of inputs) label.firstElementChild.checked = label.firstElementChild.value === detail.value;
  });
  return h("fieldset", { class: "switch", "data-testid": name }, h("legend", {}, definition.label), h("div", { class: "segments" }, inputs));
}

function linkTo(link) {
  return h("a", { class: "link", href: link.url, target: "_blank", rel: "noopener", title: `${link.label} (abre em outra aba)`,
    "data-testid": `link-${link.key}` }, link.label, icon("link"));
}

function header(scene) {
  const people = h("button", { type: "button", class: "people-toggle", "data-testid": "people-toggle", "aria-controls": "people", onclick: () => setPeople(!peopleOpen()) }, icon("people"), h("span", {}, "Pessoas"), h("span", { class: "badge", hidden: true }));
  byId("top").replaceChildren(people, h("h1", {}, scene.title), h("div", { class: "switches" }, scene.switches.map(switchControl), scene.links.map(linkTo)), themeButton());
}

const peopleOpen = () => document.body.classList.contains("people-open");

function setPeople(open, remember = true) {
  document.body.classList.toggle("people-open", open);
  const toggle = document.querySelector(".people-toggle");
  toggle.setAttribute("aria-expanded", String(open));
  panel.element.inert = !open;
  const covers = open && narrow.matches;
  for (const pane of Object.values(panes)) pane.element.inert = covers;
  byId("tabs").inert = covers;
  // Beside a wide screen's sheet the header stays in sight, with the button that closes it.
  byId("top").inert = covers && phone.matches;
  if (covers) panel.element.querySelector(".close-people").focus();
  if (remember && !narrow.matches) localStorage.setItem("balcao-people", open ? "open" : "closed");
}

function toPeople() {
  setPeople(true);
  if (!narrow.matches) panel.element.querySelector(".be").focus();
}

function toMessage(key) {
  if (narrow.matches) setPeople(false);
  showPane(key);
  panes[key].focus();
}

/** Every person's buttons stand before the first message box: 45 presses of Tab. */
function skips() {
  const skip = (label, key, onclick) => h("a", { class: `skip skip-${key}`, href: `#${key}`, onclick: (event) => { event.preventDefault(); onclick(); } }, label);
  byId("skips").replaceChildren(skip("Ir para as pessoas", "people", toPeople),
    ...Object.values(panes).map(({ key, label }) => skip(`Ir para a mensagem: ${label}`, `pane-${key}`, () => toMessage(key))));
}

function closeCoveringPeople() {
  if (narrow.matches && peopleOpen()) {
    setPeople(false);
    document.querySelector(".people-toggle").focus();
  }
}

function bePerson(userId) {
  chosen.customer = userId;
  sessionStorage.setItem("balcao-person", userId);
  unreadPeople.delete(userId);
  panes.customer.show();
  store.dispatchEvent(new Event("person"));
  markPeople();
  toMessage("customer");
}

function markPeople() {
  panel.mark(chosen.customer, unreadPeople);
  const total = [...unreadPeople.values()].reduce((sum, number) => sum + number, 0);
  const badge = document.querySelector(".people-toggle .badge");
  badge.hidden = !total;
  badge.textContent = String(total);
}

function actorChooser(scene) {
  const select = h("select", { class: "actor", "data-testid": "actor", "aria-label": "Qual atendente você é", onchange: () => {
    chosen.attendant = Number(select.value);
    sessionStorage.setItem("balcao-attendant", select.value);
    panes.attendants.show();
  } }, scene.attendants.map((userId) => h("option", { value: userId, selected: userId === chosen.attendant }, userName(userId))));
  return h("label", { class: "actor-label" }, h("span", {}, "Você é"), select);
}

function groupTabs(scene) {
  if (scene.groups.length < 2) return null;
  const bar = h("div", { class: "groups", role: "tablist", "aria-label": "Grupos de atendentes" });
  const show = () => bar.replaceChildren(...scene.groups.map((groupId) => {
    const unread = unreadGroups.get(groupId) ?? 0;
    return h("button", { type: "button", role: "tab", "data-testid": "group", "data-group-id": groupId, "aria-selected": String(groupId === chosen.group),
      onclick: () => beInGroup(groupId) }, h("span", {}, store.chat(store.groupNow(groupId))?.title ?? "Grupo"),
    unread ? h("span", { class: "badge" }, String(unread)) : null);
  }));
  for (const kind of ["group", "meta", "reset"]) store.addEventListener(kind, show);
  show();
  return bar;
}

function beInGroup(groupId) {
  chosen.group = groupId;
  sessionStorage.setItem("balcao-group", groupId);
  unreadGroups.delete(groupId);
  panes.attendants.show();
  store.dispatchEvent(new Event("group"));
}

function blockButton() {
  const button = iconButton("block", "Bloquear o bot", { "data-testid": "block", onclick: async () => {
    const blocked = store.users[chosen.customer]?.blocked;
    await act(blocked ? "unblock" : "block", { user_id: chosen.customer });
  } });
  for (const kind of ["meta", "reset", "person"]) store.addEventListener(kind, () => {
    const label = store.users[chosen.customer]?.blocked ? "Desbloquear o bot" : "Bloquear o bot";
    button.setAttribute("aria-label", label);
    button.title = label;
  });
  return button;
}

function tabBar(scene) {
  const labels = { customer: "Cliente", attendants: "Atendentes", admin: "Admin" };
  byId("tabs").replaceChildren(...Object.entries(labels).map(([key, label]) =>
    h("button", { type: "button", "data-testid": `tab-${key}`, "data-pane": key, onclick: () => showPane(key) }, h("span", {}, label), h("span", { class: "badge", hidden: true }))));
  document.title = scene.title;
}

function showPane(key) {
  visible = key;
  document.body.dataset.pane = key;
  for (const button of byId("tabs").children) {
    if (button.dataset.pane === key) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  panes[key].seen();
}

const unreadIn = (pane) => pane.unread + (pane.key === "attendants" ? [...unreadGroups.values()].reduce((sum, number) => sum + number, 0) : 0);

function showUnread(pane) {
  const unread = unreadIn(pane);
  const badge = byId("tabs").querySelector(`button[data-pane="${pane.key}"] .badge`);
  badge.hidden = !unread;
  badge.textContent = String(unread);
  const total = Object.values(panes).reduce((sum, other) => sum + unreadIn(other), 0);
  document.title = total ? `(${total}) ${store.scene.title}` : store.scene.title;
}

function alertText(text) {
  byId("alert-text").textContent = text;
  if (!byId("alert").open) byId("alert").showModal();
}

function connection() {
  const banner = byId("offline");
  let timer = 0;
  store.addEventListener("offline", () => {
    if (!timer && banner.hidden) timer = setTimeout(() => { banner.textContent = "Sem conexão. Tentando de novo…"; banner.hidden = false; }, 700);
  });
  store.addEventListener("online", () => {
    clearTimeout(timer);
    timer = 0;
    banner.hidden = true;
  });
}

function build() {
  const { scene } = store;
  if (!scene.people.some((person) => person.user_id === chosen.customer)) chosen.customer = scene.people[0].user_id;
  if (!scene.attendants.includes(chosen.attendant)) [chosen.attendant] = scene.attendants;
  if (!scene.groups.includes(chosen.group)) [chosen.group] = scene.groups;
  header(scene);
  tabBar(scene);
  panel = new PeoplePanel(scene, {
    onBe: bePerson,
    onTaxId: (text) => {
      if (!panes.customer.composer.isEmpty) return false;
      if (narrow.matches) setPeople(false);
      showPane("customer");
      panes.customer.composer.put(text);
      return true;
    },
    onSteps: () => {
      steps.restart();
      toMessage("customer");
    },
    onClose: () => closeCoveringPeople(),
  });
  const steps = new Steps(store, {
    person: () => scene.people.find((person) => person.user_id === chosen.customer),
    isChosen: () => remembered("balcao-person") !== null,
    onPeople: toPeople,
    onTaxId: (text) => panes.customer.composer.add(text),
    onClose: () => toMessage("customer"),
  });
  const common = { onUnread: (pane) => { if (panes[pane.key]) showUnread(pane); }, onAlert: alertText, onWebApp: (...opened) => miniApp.open(...opened), isVisible: (pane) => !phone.matches || visible === pane.key };
  const botName = store.bot.first_name;
  panes.customer = new Pane(store, { ...common, key: "customer", label: "Cliente", tools: [blockButton()], below: steps.element,
    who: () => ({ chatId: chosen.customer, actorId: chosen.customer, title: userName(chosen.customer), subtitle: `Cliente, falando com ${botName}` }) });
  panes.attendants = new Pane(store, { ...common, key: "attendants", label: "Atendentes", tools: [actorChooser(scene)], above: groupTabs(scene),
    who: () => {
      const chatId = store.groupNow(chosen.group);
      return { chatId, actorId: chosen.attendant, title: store.chat(chatId)?.title ?? "Atendentes", subtitle: "" };
    } });
  panes.admin = new Pane(store, { ...common, key: "admin", label: "Administrador",
    who: () => ({ chatId: scene.admin_id, actorId: scene.admin_id, title: userName(scene.admin_id), subtitle: `Administrador, falando com ${botName}` }) });
  byId("layout").replaceChildren(panel.element, h("div", { class: "backdrop", onclick: closeCoveringPeople }), ...Object.values(panes).map((pane) => pane.element), miniApp.element);
  for (const pane of Object.values(panes)) pane.show();
  skips();
  setPeople(!narrow.matches && localStorage.getItem("balcao-people") !== "closed", false);
  markPeople();
  showPane("customer");
}

function follow() {
  store.addEventListener("message", ({ detail: { chatId, message } }) => {
    const group = store.scene.groups.find((groupId) => store.groupNow(groupId) === chatId);
    if (group && group !== chosen.group && message.from.id !== chosen.attendant && !serviceText(message)) {
      panes.attendants.topics.addUnread(chatId, threadOf(message));
      unreadGroups.set(group, (unreadGroups.get(group) ?? 0) + 1);
      store.dispatchEvent(new Event("group"));
      showUnread(panes.attendants);
    }
    const isPerson = store.scene.people.some((person) => person.user_id === chatId);
    if (!isPerson || chatId === chosen.customer || message.from.id === chatId) return;
    unreadPeople.set(chatId, (unreadPeople.get(chatId) ?? 0) + 1);
    markPeople();
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeCoveringPeople(); });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") panes[visible].seen(); });
  for (const size of [narrow, phone]) size.addEventListener("change", () => setPeople(!narrow.matches, false));
}

try {
  await store.open();
  connection();
  build();
  follow();
  document.body.dataset.ready = "true";
} catch (error) {
  byId("loading").textContent = "Não deu para abrir as conversas. Recarregue a página.";
  console.error(error);
}
