// What a call was answered, and what it changed.

import { button, el, replace } from "./dom.js";
import { json, masked, maskedXml, xml } from "./data.js";
import { callOf } from "./live.js";
import { href } from "./router.js";
import { t } from "./texts.js";

export function answerPanel(answer) {
  let open = false;
  const body = el("div");
  const same = answer.xml ? maskedXml(answer.text) === answer.text : JSON.stringify(masked(answer.document)) === JSON.stringify(answer.document);
  const toggle = button("", () => {
    open = !open;
    draw();
  }, { class: "small" });
  function draw() {
    toggle.textContent = open ? t("mask") : t("reveal");
    if (answer.xml) replace(body, xml(open ? answer.text : maskedXml(answer.text)));
    else if (answer.document) replace(body, json(open ? answer.document : masked(answer.document)));
    else replace(body, el("pre", { class: "data", tabindex: "0" }, answer.text));
  }
  draw();
  const changes = el("div", { class: "changes" });
  callOf(answer.requestId).then((call) => {
    if (!call) return;
    const lines = call.changes.length ? el("ul", {}, call.changes.map((line) => el("li", {}, line))) : el("p", { class: "hint" }, t("changed_nothing"));
    replace(changes, lines, call.fault ? el("p", {}, t("struck_by"), " ", call.fault) : null, el("p", {}, el("a", { href: href("calls", [call.number]) }, t("call_number", { number: call.number }))));
  });
  return el(
    "section",
    { class: "answer", "aria-label": t("answer") },
    el("p", { class: "status" }, badge(answer.status), " ", answer.code ? el("b", {}, answer.code) : null, el("span", { class: "quiet" }, ` ${answer.milliseconds.toFixed(1)} ms`), same ? null : toggle),
    answer.reason ? el("p", { class: "reason" }, answer.reason) : null,
    changes,
    body,
  );
}

export function badge(status) {
  return el("span", { class: `badge ${status < 400 ? "good" : status < 500 ? "warn" : "bad"}` }, String(status));
}
