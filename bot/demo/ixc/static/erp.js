// The demo ERP's list of customers and suppliers. What people typed only ever becomes text nodes.

const byId = (id) => document.getElementById(id);
const form = byId("form");
const KINDS = { cliente: "Cliente", fornecedor: "Fornecedor" };
const UNREACHABLE = "O ERP não respondeu. Veja se a demonstração ainda está aberta.";
let asked = 0;
let typing = 0;
/** The record that is edited or deleted; null for a new one. */
let current = null;

class Refused extends Error {
  constructor(text, field) {
    super(text);
    this.field = field;
  }
}

function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") element.addEventListener("click", value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

async function ask(method, path, values) {
  let response;
  try {
    const sent = values && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(values) };
    response = await fetch(path, { method, cache: "no-store", ...sent });
  } catch {
    throw new Refused(UNREACHABLE);
  }
  if (response.status === 204) return null;
  const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
  const body = isJson ? await response.json() : {};
  if (!response.ok) throw new Refused(body.error ?? UNREACHABLE, body.field);
  return body;
}

function when(text) {
  const parts = /^(\d{4})-(\d\d)-(\d\d) (\d\d:\d\d)/.exec(text);
  return parts && parts[1] !== "0000" ? `${parts[3]}/${parts[2]}/${parts[1]} ${parts[4]}` : "—";
}

/** The address with a place to break the line at. */
function address(email) {
  const [name, ...rest] = email.split("@");
  return rest.length ? [name, h("wbr", {}), `@${rest.join("@")}`] : [email || "—"];
}

function row(record) {
  const { table, id, name } = record;
  const cell = (label, ...content) => h("td", { role: "cell", "data-label": label }, ...content);
  const state = h("span", { class: record.is_active ? "state" : "state off" }, record.is_active ? "Ativo" : "Inativo");
  return h("tr", { role: "row", "data-testid": "record", "data-record": `${table}/${id}` },
    h("th", { role: "rowheader", scope: "row" }, name),
    cell("Tipo", KINDS[table]),
    cell("CPF ou CNPJ", h("span", { class: "number" }, record.document)),
    cell("Celular", h("span", { class: "number" }, record.mobile || "—")),
    cell("E-mail", h("span", {}, ...address(record.email))),
    cell("Situação", state),
    cell("Última alteração", h("span", { class: "number" }, when(record.updated))),
    h("td", { role: "cell", class: "actions" },
      h("button", { type: "button", "data-testid": "edit", "aria-label": `Editar ${name}`, onclick: () => edit(record) }, "Editar"),
      h("button", { type: "button", class: "danger", "data-testid": "ask-delete", "aria-label": `Excluir ${name}`, onclick: () => askToDelete(record) }, "Excluir")));
}

function count(total, shown, search) {
  if (!total) return search ? `Nada encontrado para “${search}”.` : "Nenhum cadastro aqui ainda.";
  const all = `${total.toLocaleString("pt-BR")} ${total === 1 ? "cadastro" : "cadastros"}`;
  return shown < total ? `Os primeiros ${shown} de ${all}. Refine a busca para ver os outros.` : all;
}

async function list() {
  const number = ++asked;
  const search = byId("search").value.trim();
  try {
    const { total, records } = await ask("GET", `/demo/records?${new URLSearchParams({ search, table: byId("table").value })}`);
    // An answer that was overtaken by a later question shows what nobody asks for any more.
    if (number !== asked) return;
    byId("rows").replaceChildren(...records.map(row));
    byId("records").hidden = !total;
    byId("count").textContent = count(total, records.length, search);
    byId("trouble").hidden = true;
  } catch (error) {
    if (number !== asked) return;
    byId("trouble").firstElementChild.textContent = error.message;
    byId("trouble").hidden = false;
  }
}

function say(text) {
  byId("said").textContent = text;
}

function refuse(text, field) {
  byId("refused").textContent = text;
  byId("refused").hidden = !text;
  for (const input of form.querySelectorAll("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
  const input = form.querySelector(`input[name="${field}"]`);
  if (!input) return;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", "refused");
  input.focus();
}

function edit(record) {
  current = record;
  form.reset();
  refuse("");
  const { name, table, document: taxId, mobile, email, is_active: isActive } = form.elements;
  byId("editor-title").textContent = record ? `Editar ${KINDS[record.table].toLowerCase()}` : "Novo cadastro";
  byId("kind").hidden = Boolean(record);
  taxId.readOnly = Boolean(record);
  isActive.checked = record?.is_active ?? true;
  if (record) {
    name.value = record.name;
    taxId.value = record.document;
    mobile.value = record.mobile;
    email.value = record.email;
  } else {
    table.value = byId("table").value || "cliente";
  }
  byId("editor").showModal();
  name.focus();
}

async function save() {
  const { name, table, document: taxId, mobile, email, is_active: isActive } = form.elements;
  const values = { name: name.value, mobile: mobile.value, email: email.value, is_active: isActive.checked };
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    const saved = current
      ? await ask("PUT", `/demo/records/${current.table}/${current.id}`, values)
      : await ask("POST", "/demo/records", { ...values, table: table.value, document: taxId.value });
    byId("editor").close();
    say(`${saved.name}: salvo às ${saved.updated.slice(11, 16)}.`);
    await list();
    document.querySelector(`[data-record="${saved.table}/${saved.id}"] button`)?.focus();
  } catch (error) {
    refuse(error.message, error.field);
  } finally {
    button.disabled = false;
  }
}

function askToDelete(record) {
  current = record;
  byId("not-deleted").hidden = true;
  byId("sure-text").textContent = `${record.name}, ${record.document}, sai do ERP. Não dá para desfazer.`;
  byId("sure").showModal();
}

async function remove() {
  try {
    await ask("DELETE", `/demo/records/${current.table}/${current.id}`);
    byId("sure").close();
    say(`${current.name}: excluído.`);
    await list();
    byId("search").focus();
  } catch (error) {
    byId("not-deleted").textContent = error.message;
    byId("not-deleted").hidden = false;
  }
}

byId("add").addEventListener("click", () => edit(null));
byId("delete").addEventListener("click", remove);
byId("retry").addEventListener("click", list);
byId("table").addEventListener("change", list);
byId("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(list, 150);
});
byId("tools").addEventListener("submit", (event) => {
  event.preventDefault();
  list();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
for (const button of document.querySelectorAll(".cancel")) button.addEventListener("click", () => button.closest("dialog").close());
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") list(); });

await list();
document.body.dataset.ready = "true";
