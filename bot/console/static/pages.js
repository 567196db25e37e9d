// The upload of a file in pieces, and small helps of the forms beside the table.

(() => {
  const SESSION = "X-Balcao-Session";
  const LONGEST_WAIT_S = 20;
  let session = "";
  let sending = null;

  // The session travels with every request of htmx; the pieces carry it too.
  document.addEventListener("htmx:configRequest", ({ detail }) => { session = detail.headers[SESSION] ?? session; });

  const wait = (ms) => new Promise((done) => setTimeout(done, ms));

  function say(text) {
    document.getElementById("notice").textContent = text;
    document.getElementById("notice").hidden = !text;
  }

  function show(text, part) {
    const box = document.querySelector("[data-sending]");
    if (!box) return;
    box.hidden = false;
    box.querySelector("[data-sending-text]").textContent = text;
    if (part !== undefined) box.querySelector("progress").value = part;
  }

  function stop(text = "") {
    sending = null;
    say(text);
    const box = document.querySelector("[data-sending]");
    if (box) box.hidden = true;
    const drop = document.querySelector("[data-drop]");
    if (drop) drop.hidden = false;
    const input = document.querySelector("[data-file]");
    if (input) input.value = "";
  }

  // Asks until the server answers: a network that is gone costs waiting, not the file.
  async function ask(run, path, method, body, headers = {}) {
    for (let pause = 1; sending === run; pause = Math.min(pause * 2, LONGEST_WAIT_S)) {
      let answer;
      try {
        answer = await fetch(path, { method, body, headers: { [SESSION]: session, ...headers } });
      } catch {
        show("Sem conexão. O envio continua sozinho quando ela voltar: deixe esta página aberta.");
        await wait(pause * 1000);
        continue;
      }
      if (answer.ok) return answer;
      const text = await answer.text();
      if (answer.status !== 429 && answer.status < 500) throw new Error(text);
      show(`${text} O envio continua sozinho.`);
      await wait(pause * 1000);
    }
    return null;
  }

  async function send(file, size) {
    const run = {};
    sending = run;
    say("");
    document.querySelector("[data-drop]").hidden = true;
    show("Começando…", 0);
    try {
      const begun = await ask(run, "/import/begin", "POST", new URLSearchParams({ name: file.name, size: file.size, mark: file.lastModified }));
      if (!begun) return;
      const { key, stored, pieces } = await begun.json();
      for (let number = stored; number < pieces; number += 1) {
        const part = number / pieces;
        show(`${stored ? "Continuando de onde parou: " : "Enviando: "}${Math.floor(part * 100)} %`, part);
        let piece;
        try {
          piece = await file.slice(number * size, (number + 1) * size).arrayBuffer();
        } catch {
          throw new Error("Não consigo mais ler este arquivo. Se ele foi movido ou está aberto em outro programa, escolha de novo.");
        }
        if (!await ask(run, `/import/piece/${number}`, "PUT", piece, { "X-Balcao-Upload": key })) return;
      }
      if (sending !== run) return;
      show("Enviado. Lendo o arquivo…", 1);
      sending = null;
      await htmx.ajax("POST", "/import/end", { target: "#side", values: { key } });
      // Refused, in words above: another file may be chosen.
      if (document.querySelector("[data-sending]")) stop(document.getElementById("notice").textContent);
    } catch (error) {
      if (sending === run) stop(error.message);
    }
  }

  function chosen(files) {
    const input = document.querySelector("[data-file]");
    if (input && files?.length && !sending) send(files[0], Number(input.dataset.piece));
  }

  document.addEventListener("change", ({ target }) => { if (target.matches?.("[data-file]")) chosen(target.files); });

  for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      const drop = document.querySelector("[data-drop]");
      if (!drop) return;
      event.preventDefault(); // Else the browser opens the file in place of the page.
      drop.classList.toggle("over", name === "dragenter" || name === "dragover");
      if (name === "drop") chosen(event.dataTransfer?.files);
    });
  }

  document.addEventListener("click", ({ target }) => {
    const ticks = target.closest("[data-tick-fields]");
    if (ticks) for (const box of ticks.closest("fieldset").querySelectorAll("input[type=checkbox]")) box.checked = ticks.dataset.tickFields === "all";
    if (target.closest("[data-stop-sending]")) stop();
    if (target.closest("[data-ignore-undecided]")) {
      for (const menu of document.querySelectorAll("#import-columns select")) if (menu.value === "?") menu.value = "";
    }
  });

  // The screen with the file is left: what was sent stays for a day, and goes on from there.
  document.addEventListener("htmx:beforeSwap", ({ detail }) => { if (detail.target.id === "side" && sending) sending = null; });

  window.addEventListener("beforeunload", (event) => { if (sending) event.preventDefault(); });
})();
