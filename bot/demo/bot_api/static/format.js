// Dates, sizes and names as people in Brazil read them.

const ZONE = "America/Sao_Paulo";
const time = new Intl.DateTimeFormat("pt-BR", { timeZone: ZONE, hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat("pt-BR", { timeZone: ZONE, dateStyle: "full", timeStyle: "short" });
const day = new Intl.DateTimeFormat("pt-BR", { timeZone: ZONE, day: "numeric", month: "long" });
const key = new Intl.DateTimeFormat("en-CA", { timeZone: ZONE });

export const clockTime = (seconds) => time.format(seconds * 1000);
export const fullDate = (seconds) => full.format(seconds * 1000);
export const dayKey = (seconds) => key.format(seconds * 1000);

export function dayName(seconds) {
  const now = Date.now();
  if (dayKey(seconds) === key.format(now)) return "Hoje";
  if (dayKey(seconds) === key.format(now - 86_400_000)) return "Ontem";
  return day.format(seconds * 1000);
}

export function fileSize(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KB", "MB", "GB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toLocaleString("pt-BR", { maximumFractionDigits: value < 10 ? 1 : 0 })} ${units[unit]}`;
}

export const fullName = (user) => [user.first_name, user.last_name].filter(Boolean).join(" ");
export const initials = (name) => (name.match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, 2).map((word) => [...word][0]).join("").toUpperCase();
export const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;

/** What a message is about, in a few words: for quotes, pins and notices. */
export function summary(message) {
  if (message.text) return message.text;
  const kinds = {
    photo: "Foto", video: "Vídeo", voice: "Mensagem de voz", audio: "Áudio", video_note: "Vídeo",
    animation: "GIF", sticker: "Figurinha", contact: "Contato", venue: "Local", location: "Localização",
    poll: "Enquete", dice: "Dado", game: "Jogo", story: "História", checklist: "Lista", paid_media: "Mídia paga",
  };
  const kind = Object.keys(kinds).find((name) => message[name]);
  const name = kind ? kinds[kind] : message.document?.file_name ?? "Mensagem";
  return message.caption ? `${name}: ${message.caption}` : name;
}
