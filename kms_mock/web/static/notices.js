// Short notes at the bottom of the page: what an action did.

import { el } from "./dom.js";

export function notice(text, kind = "") {
  const note = el("div", { class: `notice ${kind}` }, text);
  document.getElementById("notices").append(note);
  setTimeout(() => note.remove(), kind === "bad" ? 8000 : 4000);
}

// Runs something that talks to the server; a refusal becomes a note.
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    notice(error.message, "bad");
    return undefined;
  }
}

export async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    notice(done);
  } catch (error) {
    notice(error.message, "bad");
  }
}
