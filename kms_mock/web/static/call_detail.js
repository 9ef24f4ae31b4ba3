// One call as a whole, and what can be made of it: a fault, a test, the same call again.

import { badge } from "./answer.js";
import { askForCode, codePanel } from "./code.js";
import { control } from "./control.js";
import { json, MASK, time } from "./data.js";
import { button, el, replace } from "./dom.js";
import { model, operationNamed } from "./model.js";
import { href } from "./router.js";
import { t } from "./texts.js";

export async function showCall(container, number, unmasked = false) {
  let found;
  try {
    found = await control("GET", `requests/${encodeURIComponent(number)}${unmasked ? "?unmasked=true" : ""}`);
  } catch (error) {
    replace(container, back(), el("p", { class: "empty" }, error.message));
    return;
  }
  const { call, sent, answer } = found;
  const reveals = model.server.reveal_secrets;
  const parameters = Object.fromEntries(Object.entries(call.parameters).filter(([, value]) => value !== MASK));
  const test = el("div");
  const known = operationNamed(call.action);
  const facts = { time: time(call.at), caller: call.access_key_id, ms: call.milliseconds.toFixed(2), request_id: call.request_id, fault: call.fault };
  replace(
    container,
    back(),
    el("h2", {}, call.action || "?", el("small", {}, ` #${call.number}`)),
    el("p", { class: "status" }, badge(call.status), " ", el("b", {}, call.code || "ok")),
    call.reason ? el("p", { class: "reason" }, call.reason) : null,
    el("dl", {}, Object.entries(facts).filter(([, value]) => value).map(([name, value]) => [el("dt", {}, t(`column_${name}`)), el("dd", {}, value)])),
    call.changes.length ? el("ul", { class: "changes" }, call.changes.map((line) => el("li", {}, line))) : null,
    el(
      "div",
      { class: "bar" },
      el("a", { class: "button", href: href("time", [], faultFrom(call)) }, t("make_fault")),
      button(t("make_test"), () => showTest(test, call, parameters, answer), { disabled: !known }),
      known ? el("a", { class: "button", href: href("explorer", [call.action], parameters) }, t("call_again")) : null,
      button(unmasked ? t("mask") : t("reveal"), () => showCall(container, number, !unmasked), { class: "small", disabled: !reveals, title: reveals ? null : t("not_revealed") }),
    ),
    test,
    el("h3", {}, t("request")),
    json(sent),
    el("h3", {}, t("answer")),
    json(answer),
  );
}

function back() {
  return el("a", { class: "back", href: "#/calls" }, `← ${t("calls")}`);
}

function faultFrom(call) {
  const fault = { operation: call.action, code: call.code || "InternalFailure", times: "1" };
  return call.resource ? { ...fault, resource: call.resource } : fault;
}

function showTest(container, call, parameters, answer) {
  const panel = codePanel(async () => {
    const written = await askForCode(call.action, parameters, { answer: { status: call.status, document: answer }, access_key_id: call.access_key_id || "mock" });
    return { snippets: written.snippets.filter((snippet) => snippet.language === "pytest") };
  });
  replace(container, panel.element);
  panel.draw();
}
