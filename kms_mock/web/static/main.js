// The frame of the page: its head, and which view is shown.

import { el, replace, select } from "./dom.js";
import { setUpKeyboard } from "./keyboard.js";
import * as live from "./live.js";
import { model, readAll } from "./model.js";
import { place } from "./router.js";
import { LANGUAGES, language, setLanguage, t } from "./texts.js";
import { showCalls } from "./calls.js";
import { showErrors } from "./errors.js";
import { showExplorer } from "./explorer.js";
import { showState } from "./state.js";
import { showTime } from "./time.js";
import { setUpWho, whoPicker } from "./who.js";

const VIEWS = { explorer: showExplorer, state: showState, calls: showCalls, time: showTime, errors: showErrors };
const view = document.getElementById("view");
let leave = null;
let shown = "";

function draw() {
  const where = place();
  if (!(where.view in VIEWS)) {
    location.replace("#/explorer");
    return;
  }
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === where.view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${t(where.view)} · kms-mock`;
  if (shown === where.view && leave?.move) {
    leave.move(where);
    return;
  }
  leave?.();
  shown = where.view;
  view.className = where.view;
  leave = VIEWS[where.view](replace(view), where);
}

function head() {
  const dot = el("span", { class: "live", role: "img" });
  const showDot = () => {
    dot.classList.toggle("off", !live.connected);
    dot.setAttribute("aria-label", live.connected ? t("live") : t("not_live"));
    dot.setAttribute("title", live.connected ? t("live") : t("not_live"));
  };
  showDot();
  live.on("connected", showDot);
  replace(
    document.getElementById("top"),
    el("h1", {}, dot, "kms-mock ", el("small", {}, model.server.version)),
    el("nav", { "aria-label": t("views") }, Object.keys(VIEWS).map((name) => el("a", { href: `#/${name}`, "data-view": name }, t(name)))),
    whoPicker(),
    select(LANGUAGES, language, setLanguage, { "aria-label": t("language"), class: "language" }),
  );
}

document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
try {
  await readAll();
  setUpWho();
  head();
  setUpKeyboard();
  live.start();
  addEventListener("hashchange", draw);
  draw();
} catch (error) {
  replace(view, el("p", { class: "bad" }, error.message));
}
