// Calls to the control API. A refusal becomes an Error whose message is the server's reason.

async function answer(response) {
  const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
  const body = isJson ? await response.json() : { error: await response.text() };
  if (!response.ok) throw new Error(body.error ?? response.statusText);
  return body;
}

export async function get(path) {
  return answer(await fetch(path, { cache: "no-store" }));
}

export async function act(name, values) {
  const body = await answer(await fetch(`/demo/api/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(values),
  }));
  return body.result;
}

export async function sendFile(file, values) {
  const form = new FormData();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== "") form.append(name, value);
  }
  form.append("file", file, file.name);
  const body = await answer(await fetch("/demo/api/file", { method: "POST", body: form }));
  return body.result;
}

export const fileUrl = (fileId) => `/demo/files/${encodeURIComponent(fileId)}`;
