// The session, refusals in words, and what a page needs beside its partial updates (htmx).

(() => {
  const telegram = window.Telegram?.WebApp;
  const byId = (id) => document.getElementById(id);
  const KEPT = "balcao-session";
  let token = "";
  let opener = null;

  // Storage may be closed to a page in a frame: then a reload needs a new opening.
  function kept() {
    try { return JSON.parse(sessionStorage.getItem(KEPT)) ?? {}; } catch { return {}; }
  }

  function keep(value) {
    try { sessionStorage.setItem(KEPT, JSON.stringify(value)); } catch { /* as above */ }
  }

  function theme() {
    if (telegram?.initData) document.documentElement.dataset.theme = telegram.colorScheme;
  }

  function say(text) {
    byId("notice").textContent = text;
    byId("notice").hidden = !text;
  }

  function end(text) {
    const line = document.createElement("p");
    line.className = "loading";
    line.setAttribute("role", "alert");
    line.textContent = text;
    byId("main").replaceChildren(line);
    byId("main").removeAttribute("aria-busy");
  }

  async function open() {
    theme();
    telegram?.onEvent?.("themeChanged", theme);
    telegram?.ready?.();
    telegram?.expand?.();
    const launch = telegram?.initData ?? "";
    const before = kept();
    if (before.launch === launch && before.token) {
      token = before.token;
    } else {
      let answer;
      try {
        answer = await fetch("/session", { method: "POST", body: launch });
      } catch {
        end("Sem conexão com o Balcão. Feche e abra de novo daqui a pouco.");
        return;
      }
      if (!answer.ok) {
        end(await answer.text());
        return;
      }
      ({ token } = await answer.json());
      keep({ launch, token });
    }
    const key = new URLSearchParams(location.search).get("search") ?? "";
    await htmx.ajax("POST", "/table", { target: "#main", swap: "innerHTML", values: { key } });
    byId("main").removeAttribute("aria-busy");
  }

  function closeSide() {
    const side = byId("side");
    if (!side || side.hidden) return;
    side.hidden = true;
    side.replaceChildren();
    telegram?.BackButton?.hide?.();
    if (opener?.isConnected) opener.focus();
  }

  function changed(box) {
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function countTicks() {
    const list = byId("list");
    const button = list?.querySelector("[data-acts-on-ticked]");
    if (!button) return;
    const count = Number(list.dataset.tickedElsewhere) + list.querySelectorAll("[data-tick]:checked").length;
    button.hidden = !count;
    button.querySelector("[data-tick-count]").textContent = count ? ` (${count})` : "";
  }

  document.addEventListener("htmx:configRequest", ({ detail }) => { detail.headers["X-Balcao-Session"] = token; });

  // A refusal stays until the next step of the person; a job asks by itself.
  document.addEventListener("htmx:beforeRequest", ({ detail }) => { if (detail.elt.id !== "job") say(""); });

  document.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
    if (xhr.status === 401 || xhr.status === 403) {
      keep({});
      end(xhr.responseText);
    } else {
      say(xhr.responseText);
    }
  });

  document.addEventListener("htmx:sendError", () => say("Sem conexão com o Balcão. Nada se perdeu; tente de novo."));

  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    countTicks();
    if (detail.target.id !== "side") return;
    opener = detail.requestConfig.elt;
    detail.target.hidden = false;
    detail.target.scrollTop = 0;
    telegram?.BackButton?.show?.();
    detail.target.querySelector("h2")?.focus();
  });

  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-skip], [data-close], [data-close-side], [data-uncheck], [data-uncheck-all]");
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    if (!pressed) return;
    const { dataset } = pressed;
    if ("skip" in dataset) {
      event.preventDefault(); // The address ends with what Telegram signed.
      (byId("list") ?? byId("main")).focus();
    } else if ("close" in dataset) {
      telegram?.close?.();
    } else if ("closeSide" in dataset) {
      closeSide();
    } else {
      const boxes = [...document.querySelectorAll("[data-filter]:checked")].filter((box) => "uncheckAll" in dataset || box.id === dataset.uncheck);
      for (const box of boxes) box.checked = false;
      if (boxes.length) changed(boxes[0]);
    }
  });

  // A tick changes nothing in the list: it must not reach the form, which asks for the list anew.
  document.addEventListener("change", (event) => {
    const { target } = event;
    if (!target.matches?.("[data-tick], [data-tick-all]")) return;
    event.stopPropagation();
    if (target.matches("[data-tick-all]")) for (const box of document.querySelectorAll("[data-tick]")) box.checked = target.checked;
    countTicks();
  }, true);

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    } else {
      closeSide();
    }
  });

  telegram?.BackButton?.onClick?.(closeSide);
  open();
})();
