// Documents for reading: coloured JSON and XML, times, masked secrets.

import { el } from "./dom.js";

export const MASK = "***";
const SECRETS = new Set(["AccessKeySecret", "Plaintext", "PrivateKeyData", "RandomPassword", "SecretData", "SecurityToken"]);
const FIXTURE_SECRETS = new Set(["data", "value", "material", "secret", "private_key", "plaintext", "password", "token"]);

export function masked(tree, names = SECRETS) {
  if (Array.isArray(tree)) return tree.map((item) => masked(item, names));
  if (tree === null || typeof tree !== "object") return tree;
  return Object.fromEntries(
    Object.entries(tree).map(([name, value]) => [name, names.has(name) && typeof value === "string" ? MASK : name === "tags" ? value : masked(value, names)]),
  );
}

export const maskedFixture = (tree) => masked(tree, FIXTURE_SECRETS);

export function maskedXml(text) {
  const names = [...SECRETS].join("|");
  return text.replace(new RegExp(`<(${names})>[^<]*<`, "g"), `<$1>${MASK}<`);
}

export function json(tree) {
  return el("pre", { class: "data", tabindex: "0" }, pieces(tree, 0));
}

function pieces(value, depth) {
  const pad = "  ".repeat(depth + 1);
  if (Array.isArray(value) || (value !== null && typeof value === "object")) {
    const [open, close] = Array.isArray(value) ? "[]" : "{}";
    const entries = Object.entries(value);
    if (!entries.length) return [open + close];
    const lines = entries.flatMap(([name, item], index) => [
      `\n${pad}`,
      Array.isArray(value) ? null : el("span", { class: "name" }, JSON.stringify(name)),
      Array.isArray(value) ? null : ": ",
      ...pieces(item, depth + 1),
      index < entries.length - 1 ? "," : null,
    ]);
    return [open, ...lines, `\n${"  ".repeat(depth)}${close}`];
  }
  return [el("span", { class: typeof value === "string" ? "text" : "number" }, JSON.stringify(value))];
}

export function xml(text) {
  const parts = text.replace(/></g, ">\n<").split(/(<[^>]*>)/);
  return el("pre", { class: "data", tabindex: "0" }, parts.map((part) => (part.startsWith("<") ? el("span", { class: "name" }, part) : part)));
}

// ISO times as people read them, in UTC as the API has them.
export function time(iso) {
  return (iso ?? "").replace("T", " ").replace(/(\.\d+)?Z$/, "");
}

export function timeOfDay(iso) {
  return time(iso).slice(11, 19);
}
