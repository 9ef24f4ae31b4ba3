// Calls of the product's own API, as any client makes them.

import { signed } from "./sign.js";

// Lists and objects travel flattened: Name.1.Key, Name.key.
export function flattened(parameters, form = []) {
  const found = {};
  for (const [name, text] of Object.entries(parameters)) {
    const kind = form.find((field) => field.name === name)?.kind;
    const tree = kind === "list" || kind === "object" ? parsed(text) : undefined;
    if (kind === "list" && Array.isArray(tree)) {
      tree.forEach((item, index) => {
        if (item === null || typeof item !== "object") found[`${name}.${index + 1}`] = String(item);
        else for (const [key, value] of Object.entries(item)) found[`${name}.${index + 1}.${key}`] = String(value);
      });
    } else if (kind === "object" && isFlat(tree)) {
      for (const [key, value] of Object.entries(tree)) found[`${name}.${key}`] = value;
    } else {
      found[name] = text;
    }
  }
  return found;
}

function isFlat(tree) {
  return tree !== null && typeof tree === "object" && !Array.isArray(tree) && Object.values(tree).every((value) => typeof value === "string");
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export async function send({ operation, version, parameters, xml = false, who }) {
  let form = { Action: operation, Version: version, Format: xml ? "XML" : "JSON", AccessKeyId: who.accessKeyId, RegionId: who.region, ...parameters };
  if (who.token) form.SecurityToken = who.token;
  if (who.secret) form = await signed(form, who.secret);
  const began = performance.now();
  const response = await fetch("/", { method: "POST", body: new URLSearchParams(form) });
  const text = await response.text();
  const document = xml ? null : (parsed(text) ?? null);
  return {
    status: response.status,
    code: response.ok ? "" : (document?.Code ?? /<Code>([^<]*)</.exec(text)?.[1] ?? ""),
    reason: response.headers.get("x-kms-mock-reason") ?? "",
    requestId: response.headers.get("x-acs-request-id") ?? "",
    milliseconds: performance.now() - began,
    text,
    document,
    xml,
  };
}
