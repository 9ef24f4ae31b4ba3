// An assertion about the calls: does it hold, and which calls nearly make it?

import { control } from "./control.js";
import { button, el, labelled, replace } from "./dom.js";
import { model } from "./model.js";
import { attempt } from "./notices.js";
import { href } from "./router.js";
import { t } from "./texts.js";

function nearCall({ call, differences }) {
  const lines = differences.map(({ what, wanted, found }) => el("li", {}, t("differs", { what, wanted: JSON.stringify(wanted), found: found ?? "—" })));
  return el("li", {}, el("a", { href: href("calls", [call.number]) }, `#${call.number} ${call.action}`), el("ul", {}, lines));
}

export function nearMisses() {
  const names = el("datalist", { id: "operation-names" }, model.catalogue.operations.map(({ operation }) => el("option", { value: operation.name })));
  const action = el("input", { type: "text", list: "operation-names", spellcheck: "false" });
  const parameters = el("textarea", { rows: 1, spellcheck: "false", placeholder: '{"SecretName": "db"}' });
  const times = el("input", { type: "text", inputmode: "numeric", size: 3 });
  const code = el("input", { type: "text", spellcheck: "false", placeholder: t("any") });
  const result = el("div", { role: "status" });

  const check = () => attempt(async () => {
    const assertion = { action: action.value, parameters: parameters.value ? JSON.parse(parameters.value) : {} };
    if (times.value) assertion.times = Number(times.value);
    if (code.value) assertion.code = code.value === "ok" ? "" : code.value;
    const { holds, matches, near } = await control("POST", "near-misses", assertion);
    replace(
      result,
      el("p", { class: holds ? "good" : "bad" }, t(holds ? "assertion_holds" : "assertion_fails", { count: matches.length })),
      near.length ? el("ul", {}, near.map(nearCall)) : null,
    );
  });

  return el(
    "details",
    { class: "near" },
    el("summary", {}, t("assertion")),
    names,
    el("div", { class: "bar" }, labelled(t("operation"), action), labelled(t("parameters"), parameters), labelled(t("times"), times), labelled(t("code_or_ok"), code), button(t("check"), check)),
    result,
  );
}
