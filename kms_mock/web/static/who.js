// As whom the page calls: an account, a region and an AccessKey pair of the fixture.

import { MASK } from "./data.js";
import { button, el, labelled, replace, select } from "./dom.js";
import { model, onState } from "./model.js";
import { t } from "./texts.js";

export const who = { account: "", region: "", accessKeyId: "mock", secret: "", token: "" };
const listeners = new Set();

export function onWho(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function identities() {
  const found = [];
  for (const account of model.state?.accounts ?? []) {
    for (const key of account.access_keys ?? []) found.push({ account: account.id, accessKeyId: key.id, secret: plain(key.secret), token: "", title: key.user ? `${key.id} (${key.user})` : key.id });
    for (const session of account.sessions ?? []) found.push({ account: account.id, accessKeyId: session.id, secret: plain(session.secret), token: plain(session.token), title: `${session.id} (${session.role})` });
  }
  return found;
}

const plain = (value) => (value && value !== MASK ? value : "");

function regions() {
  const known = (model.state?.accounts ?? []).flatMap((account) => (account.regions ?? []).map((region) => region.id));
  return [...new Set([model.server.region, who.region, ...known])];
}

function change(values) {
  Object.assign(who, values);
  for (const listener of [...listeners]) listener();
}

export function setUpWho() {
  Object.assign(who, { account: model.server.account, region: model.server.region });
}

export function whoPicker() {
  const box = el("details", { class: "who" });
  const summary = el("summary");
  const body = el("form", { class: "popup", onsubmit: (event) => event.preventDefault() });
  box.append(summary, body);
  function draw() {
    replace(summary, el("span", { class: "quiet" }, `${t("who")} `), el("b", {}, who.accessKeyId), ` · ${who.account} · ${who.region}`);
    if (body.contains(document.activeElement)) return;
    const pairs = identities();
    const options = [["mock", `mock (${t("any_key")})`], ...pairs.map((pair) => [pair.accessKeyId, `${pair.title} · ${pair.account}`])];
    const secret = el("input", { type: "password", autocomplete: "off", value: who.secret, onchange: () => change({ secret: secret.value }) });
    const choose = (id) => {
      const pair = pairs.find((entry) => entry.accessKeyId === id);
      change(pair ?? { account: model.server.account, accessKeyId: "mock", secret: "", token: "" });
      secret.value = who.secret;
    };
    replace(
      body,
      labelled(t("access_key"), select(options, who.accessKeyId, choose)),
      labelled(t("region"), select(regions().map((region) => [region, region]), who.region, (region) => change({ region }))),
      labelled(t("secret_to_sign"), secret, el("p", { class: "hint" }, t("secret_to_sign_hint"))),
      button(t("close"), () => {
        box.open = false;
        summary.focus();
      }),
    );
  }
  draw();
  onState(draw);
  onWho(draw);
  return box;
}
