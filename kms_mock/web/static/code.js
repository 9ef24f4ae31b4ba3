// Code for a call, in the language of your choice.

import { button, el, labelled, replace, select } from "./dom.js";
import { control } from "./control.js";
import { copy } from "./notices.js";
import { t } from "./texts.js";
import { who } from "./who.js";

const KEY = "kms-mock-code";

function remembered() {
  try {
    return localStorage.getItem(KEY) ?? "python";
  } catch {
    return "python";
  }
}

function remember(language) {
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // It is chosen again next time.
  }
}

export function askForCode(operation, parameters, more = {}) {
  const known = { endpoint: location.host, region: who.region, access_key_id: who.accessKeyId };
  if (who.secret) known.access_key_secret = who.secret;
  return control("POST", "snippets", { operation, parameters, ...known, ...more });
}

// `ask()` returns what the control API answers; `draw` is called when the call has changed.
export function codePanel(ask) {
  let snippets = [];
  let chosen = remembered();
  const code = el("pre", { class: "code", tabindex: "0", "aria-label": t("code") });
  const note = el("p", { class: "hint" });
  const languages = el("div");
  const copyButton = button(t("copy"), () => copy(code.textContent, t("copied")));
  function show() {
    const found = snippets.find((snippet) => snippet.language === chosen) ?? snippets[0];
    code.textContent = found?.code ?? "";
    code.hidden = !found?.code;
    copyButton.disabled = !found?.code;
    note.textContent = found?.note ?? "";
  }
  async function draw() {
    try {
      snippets = (await ask()).snippets;
    } catch (error) {
      snippets = [{ language: chosen, title: chosen, code: "", note: error.message }];
    }
    const options = snippets.map((snippet) => [snippet.language, snippet.title]);
    const picker = select(options, snippets.some((snippet) => snippet.language === chosen) ? chosen : options[0][0], (value) => {
      chosen = value;
      remember(value);
      show();
    });
    if (!languages.contains(document.activeElement)) replace(languages, labelled(t("language_of_code"), picker));
    show();
  }
  const element = el("section", { class: "codes", "aria-label": t("code") }, el("div", { class: "bar" }, languages, copyButton), note, code);
  return { element, draw };
}
