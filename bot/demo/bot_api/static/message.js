// One message as a list item: service line or bubble, with its buttons below.

import { fileUrl } from "./api.js";
import { h, icon, iconButton } from "./dom.js";
import { rendered } from "./entities.js";
import { clockTime, fileSize, fullDate, fullName, summary } from "./format.js";

/** context: {actorId, isGroup, reactions, onReply, onEdit, onDelete, onPress, onCommand, onQuote} */
export function messageItem(message, context) {
  const service = serviceText(message);
  if (service) {
    return h("p", { class: "service", "data-testid": "message", "data-message-id": message.message_id, tabindex: "-1" },
      h("span", {}, service));
  }
  const own = message.from.id === context.actorId;
  const item = h("article", {
    class: `message ${own ? "own" : "other"}`,
    "data-testid": "message",
    "data-message-id": message.message_id,
    "data-album": message.media_group_id,
    tabindex: "-1",
  });
  item.append(bubble(message, context, own));
  const keyboard = inlineKeyboard(message, context);
  if (keyboard) item.append(keyboard);
  return item;
}

function bubble(message, context, own) {
  const box = h("div", { class: "bubble" });
  if (context.isGroup && !own) {
    box.append(h("p", { class: `sender name-${Math.abs(message.from.id) % 6}` }, fullName(message.from)));
  } else {
    box.append(h("span", { class: "sr-only" }, own ? "Você: " : `${fullName(message.from)}: `));
  }
  if (message.forward_origin) {
    box.append(h("p", { class: "forwarded" }, `Encaminhada de ${originName(message.forward_origin)}`));
  }
  const replied = message.reply_to_message;
  if (replied && !replied.forum_topic_created) box.append(quote(replied, message.quote?.text ?? summary(replied), context));
  const media = mediaPart(message);
  if (media) box.append(media);
  const text = message.text ?? message.caption;
  if (text) {
    const entities = message.entities ?? message.caption_entities;
    box.append(h("div", { class: "text" }, rendered(text, entities, context.onCommand)));
  }
  if (context.reactions?.length) {
    box.append(h("p", { class: "reactions", "aria-label": "Reações" },
      context.reactions.map((reaction) => h("span", {}, reaction.emoji ?? "★"))));
  }
  box.append(h("p", { class: "meta" },
    message.edit_date ? h("span", { class: "edited" }, "editada") : null,
    h("time", { datetime: new Date(message.date * 1000).toISOString(), title: fullDate(message.date) }, clockTime(message.date))));
  box.append(actions(message, context, own));
  return box;
}

const originName = (origin) => (origin.sender_user ? fullName(origin.sender_user) : origin.sender_user_name);

function quote(replied, about, context) {
  return h("button", { type: "button", class: "quote", "aria-label": `Resposta a ${fullName(replied.from)}: ${about}`,
    onclick: () => context.onQuote(replied.message_id) },
  h("strong", {}, fullName(replied.from)), h("span", {}, about));
}

function actions(message, context, own) {
  const canEdit = own && (message.text || message.caption) && !message.forward_origin;
  return h("div", { class: "actions" },
    iconButton("reply", "Responder", { "data-testid": "reply", onclick: () => context.onReply(message) }),
    canEdit ? iconButton("edit", "Editar", { "data-testid": "edit", onclick: () => context.onEdit(message) }) : null,
    own ? iconButton("trash", "Apagar", { "data-testid": "delete", onclick: () => context.onDelete(message) }) : null);
}

function inlineKeyboard(message, context) {
  const rows = message.reply_markup?.inline_keyboard;
  if (!rows?.length) return null;
  return h("div", { class: "inline-keyboard" }, rows.map((row) =>
    h("div", { class: "row" }, row.map((button) => inlineButton(message, button, context)))));
}

function inlineButton(message, button, context) {
  const attributes = { class: "inline-button", "data-testid": "inline-button", "data-style": button.style };
  if (button.url) {
    return h("a", { ...attributes, href: button.url, target: "_blank", rel: "noopener noreferrer" }, button.text, icon("link"));
  }
  if (button.copy_text) {
    return h("button", { ...attributes, type: "button",
      onclick: () => context.onCopy(button.copy_text.text) }, button.text, icon("copy"));
  }
  const element = h("button", { ...attributes, type: "button", "data-data": button.callback_data,
    disabled: !button.callback_data && !button.web_app,
    onclick: () => context.onPress(message, button, element) }, h("span", {}, button.text), button.web_app ? icon("window") : null);
  return element;
}

function mediaPart(message) {
  if (message.photo) return photo(message.photo.at(-1), message.caption ?? "Foto");
  if (message.sticker) return photo(message.sticker, "Figurinha", "sticker");
  if (message.animation) return video(message.animation, "GIF");
  if (message.video) return video(message.video, "Vídeo");
  if (message.video_note) return video(message.video_note, "Vídeo");
  if (message.voice) return audio(message.voice, "Mensagem de voz");
  if (message.audio) return audio(message.audio, message.audio.file_name ?? "Áudio");
  if (message.document) return documentCard(message.document);
  if (message.contact) return contactCard(message.contact);
  if (message.location) return placeCard(message);
  if (message.poll) return pollCard(message.poll);
  if (message.checklist) return listCard(message.checklist.title, message.checklist.tasks.map((task) => task.text), "☐");
  if (message.dice) return h("p", { class: "dice" }, `${message.dice.emoji} ${message.dice.value}`);
  if (message.game) return listCard(message.game.title, [message.game.description], "🎮");
  if (message.story) return h("p", { class: "placeholder" }, "História do Telegram");
  if (message.paid_media) return h("p", { class: "placeholder" }, `Mídia paga (${message.paid_media.star_count} ★)`);
  return null;
}

function placeCard({ location, venue }) {
  const where = `${location.latitude.toFixed(5)}, ${location.longitude.toFixed(5)}`;
  const title = venue?.title ?? (location.live_period ? "Localização em tempo real" : "Localização");
  return h("div", { class: "file location" }, h("span", { class: "file-icon" }, icon("place")),
    h("span", { class: "file-text" }, h("strong", {}, title), h("span", {}, venue ? `${venue.address} · ${where}` : where)));
}

const pollCard = (poll) => listCard(poll.question, poll.options.map((option) => option.text), poll.type === "quiz" ? "◇" : "○");

function listCard(title, lines, mark) {
  return h("div", { class: "list-card" }, h("strong", {}, title), lines.map((line) => h("span", {}, `${mark} ${line}`)));
}

function photo(file, label, kind = "photo") {
  const picture = h("img", { src: fileUrl(file.file_id), alt: label, loading: "lazy" });
  const frame = h("a", { class: `media ${kind}`, href: fileUrl(file.file_id), target: "_blank", rel: "noopener" }, picture);
  picture.addEventListener("error", () => frame.replaceChildren(h("span", { class: "no-preview" }, `${label} (sem prévia)`)));
  return frame;
}

function video(file, label) {
  return h("video", { class: "media", src: fileUrl(file.file_id), controls: true, preload: "metadata", "aria-label": label });
}

function audio(file, label) {
  return h("div", { class: "audio" }, h("span", {}, label),
    h("audio", { src: fileUrl(file.file_id), controls: true, preload: "metadata", "aria-label": label }));
}

function documentCard(file) {
  const name = file.file_name ?? "arquivo";
  return h("a", { class: "file", href: fileUrl(file.file_id), download: name, "data-testid": "document" },
    h("span", { class: "file-icon" }, icon("file")),
    h("span", { class: "file-text" }, h("strong", {}, name), h("span", {}, `${fileSize(file.file_size ?? 0)} · baixar`)));
}

function contactCard(contact) {
  return h("div", { class: "file contact" },
    h("span", { class: "file-icon" }, icon("phone")),
    h("span", { class: "file-text" }, h("strong", {}, fullName(contact)), h("span", {}, contact.phone_number)));
}

/** The line for a service message, or an empty string when it is an ordinary one. */
export function serviceText(message) {
  const who = fullName(message.from);
  if (message.new_chat_members) {
    const names = message.new_chat_members.map(fullName).join(", ");
    return message.new_chat_members[0].id === message.from.id ? `${names} entrou no grupo` : `${who} adicionou ${names}`;
  }
  if (message.left_chat_member) {
    const name = fullName(message.left_chat_member);
    return message.left_chat_member.id === message.from.id ? `${name} saiu do grupo` : `${who} removeu ${name}`;
  }
  if (message.forum_topic_created) return `Tópico “${message.forum_topic_created.name}” criado`;
  if (message.forum_topic_edited) return message.forum_topic_edited.name ? `Tópico renomeado para “${message.forum_topic_edited.name}”` : "Ícone do tópico trocado";
  if (message.forum_topic_closed) return `${who} fechou o tópico`;
  if (message.forum_topic_reopened) return `${who} reabriu o tópico`;
  if (message.migrate_to_chat_id) return "O grupo virou um supergrupo";
  if (message.migrate_from_chat_id) return "Este supergrupo era um grupo comum";
  if (message.pinned_message) return `${who} fixou “${summary(message.pinned_message).slice(0, 60)}”`;
  return "";
}
