// Calls as they come: filtered, counted, and one of them as a whole.

import { badge } from "./answer.js";
import { showCall } from "./call_detail.js";
import { chart } from "./chart.js";
import { control } from "./control.js";
import { timeOfDay } from "./data.js";
import { breakable, button, el, replace } from "./dom.js";
import { arrows } from "./keyboard.js";
import * as live from "./live.js";
import { nearMisses } from "./near_misses.js";
import { attempt } from "./notices.js";
import { href } from "./router.js";
import { matches } from "./table.js";
import { t } from "./texts.js";

export function showCalls(container, where) {
  const filters = { action: "", code: "", caller: "", text: "" };
  let paused = false;
  let waiting = [];
  let frame = 0;
  const body = el("tbody");
  const count = el("span", { class: "quiet" });
  const detail = el("section", { class: "detail", "aria-label": t("call") });
  const graph = chart();
  const field = (name, more = {}) => el("input", { type: "search", placeholder: t(`filter_${name}`), "aria-label": t(`filter_${name}`), oninput: (event) => {
    filters[name] = event.target.value;
    redraw();
  }, ...more });
  const text = field("text", { "data-search": true });
  const pause = button(t("pause"), () => {
    paused = !paused;
    pause.textContent = paused ? t("go_on") : t("pause");
    pause.setAttribute("aria-pressed", String(paused));
    if (!paused) redraw();
  }, { "aria-pressed": "false" });
  const titles = ["time", "action", "status", "code", "ms", "caller", "changes"];
  const head = el("thead", {}, el("tr", {}, titles.map((title) => el("th", { scope: "col", class: `of-${title}` }, t(`column_${title}`)))));
  arrows(body, "a.row", text);
  container.append(
    el(
      "div",
      { class: "middle" },
      graph.element,
      el("div", { class: "bar filters" }, text, field("action"), field("code"), field("caller"), pause, button(t("forget"), () => attempt(() => control("DELETE", "requests"))), count),
      el("div", { class: "table", tabindex: "-1" }, el("table", { "aria-label": t("calls") }, head, body)),
      nearMisses(),
    ),
    detail,
  );

  const fits = (call) =>
    call.action.toLowerCase().includes(filters.action.toLowerCase()) &&
    (filters.code === "" || (call.code || "ok").toLowerCase().includes(filters.code.toLowerCase())) &&
    call.access_key_id.toLowerCase().includes(filters.caller.toLowerCase()) &&
    (filters.text === "" || matches(call, filters.text));

  function row(call) {
    const link = href("calls", [call.number]);
    return el(
      "tr",
      { "data-number": call.number, class: call.fault ? "struck" : "", onclick: (event) => event.target.closest("a") || (location.hash = link) },
      el("td", { class: "of-time" }, timeOfDay(call.at)),
      el("td", { class: "of-action" }, el("a", { class: "row", href: link }, call.action || "?"), el("span", { class: "quiet" }, call.resource)),
      el("td", {}, badge(call.status)),
      el("td", { class: "of-code" }, breakable(call.code || "ok")),
      el("td", { class: "of-ms" }, call.milliseconds.toFixed(1)),
      el("td", { class: "of-caller" }, call.access_key_id),
      el("td", { class: "of-changes" }, call.changes.join("; ") || call.reason),
    );
  }

  function showCount() {
    count.textContent = t("calls_shown", { shown: body.childElementCount, all: live.calls.length });
  }

  function drop(state) {
    if (!state) {
      redraw();
      return;
    }
    waiting = waiting.filter((call) => call.number >= state.oldest);
    while (body.lastElementChild && Number(body.lastElementChild.dataset.number) < state.oldest) body.lastElementChild.remove();
    showCount();
  }

  function redraw() {
    waiting = [];
    replace(body, live.calls.filter(fits).toReversed().map(row));
    showCount();
  }

  function flush() {
    frame = 0;
    if (!paused) {
      body.prepend(...waiting.filter(fits).toReversed().map(row));
      while (body.childElementCount > live.MOST_CALLS) body.lastElementChild.remove();
      showCount();
    }
    waiting = [];
    graph.draw();
  }

  const stops = [
    live.on("calls", ({ news, skipped }) => {
      graph.add(news, skipped);
      waiting.push(...news);
      waiting = waiting.slice(-live.MOST_CALLS);
      frame ||= requestAnimationFrame(flush);
    }),
    live.on("dropped", drop),
  ];
  const timer = setInterval(() => graph.draw(), 2000);
  graph.add(live.calls);
  graph.draw();
  redraw();

  function move({ rest }) {
    container.classList.toggle("open", Boolean(rest[0]));
    if (rest[0]) showCall(detail, rest[0]);
    else replace(detail, el("p", { class: "empty" }, live.calls.length ? t("choose_call") : t("no_calls")));
  }

  move(where);
  const leave = () => {
    stops.forEach((stop) => stop());
    clearInterval(timer);
    cancelAnimationFrame(frame);
  };
  leave.move = move;
  return leave;
}
