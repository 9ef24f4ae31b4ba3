// The clock and what is due, and the faults.

import { serverNow, setClock, rate } from "./clock.js";
import { control } from "./control.js";
import { time } from "./data.js";
import { button, el, labelled, replace } from "./dom.js";
import { faultsPanel } from "./faults.js";
import * as live from "./live.js";
import { onState, readState } from "./model.js";
import { attempt, notice } from "./notices.js";
import { href } from "./router.js";
import { t } from "./texts.js";

const STEPS = ["1h", "1d", "7d", "30d", "365d"];

export function showTime(container, where) {
  const now = el("output", { class: "clock" });
  const mode = el("span", { class: "quiet" });
  const due = el("div", { class: "due" });
  const happened = el("ul", { class: "happened", "aria-live": "polite" });
  const step = el("input", { type: "text", placeholder: "1d12h", size: 8 });
  const moment = el("input", { type: "text", placeholder: "2030-01-01T00:00:00Z", size: 20 });
  const freeze = button("", () => put({ freeze: rate !== 0 }));

  const put = (wanted) => attempt(async () => {
    const clock = await control("PUT", "clock", wanted);
    setClock(clock);
    tick();
    happened.prepend(...clock.events.toReversed().map((event) => el("li", {}, `${time(event.at)} ${event.kind} ${event.resource} ${event.detail}`)));
    notice(t("events_happened", { count: clock.events.length }));
    await Promise.all([drawDue(), readState()]);
  });

  function tick() {
    now.textContent = time(new Date(serverNow()).toISOString());
    mode.textContent = rate === 0 ? t("frozen") : rate === 1 ? t("running") : t("rate", { rate });
    freeze.textContent = rate === 0 ? t("unfreeze") : t("freeze");
  }

  const drawDue = () => attempt(async () => {
    const { due: dates } = await control("GET", "due");
    replace(
      due,
      dates.length
        ? el("div", { class: "table still" }, el("table", { "aria-label": t("due") }, el("tbody", {}, dates.map(dueRow))))
        : el("p", { class: "hint" }, t("nothing_due")),
    );
  });

  function dueRow(date) {
    const label = t("go_to", { at: time(date.at), id: date.id });
    return el(
      "tr",
      {},
      el("td", {}, time(date.at)),
      el("td", {}, date.resource, " ", place(date)),
      el("td", { class: "quiet" }, date.region),
      el("td", {}, button(t("go_there"), () => put({ set: date.at }), { class: "small", "aria-label": label })),
    );
  }

  const place = (date) => (["key", "secret"].includes(date.resource) ? el("a", { href: href("state", [`${date.resource}s`, date.id]) }, date.id) : date.id);
  const faults = faultsPanel(where.query);
  container.append(
    el(
      "section",
      { class: "clocks", "aria-label": t("clock") },
      el("h2", {}, t("clock")),
      el("p", {}, now, " UTC · ", mode),
      el("div", { class: "bar" }, freeze, STEPS.map((each) => button(`+${each}`, () => put({ advance: each }))), button(t("real_time"), () => put({ reset: true }))),
      el("div", { class: "bar" }, labelled(t("advance_by"), step), button(t("advance"), () => put({ advance: step.value })), labelled(t("set_to"), moment), button(t("set"), () => put({ set: moment.value }))),
      el("h3", {}, t("due")),
      due,
      el("h3", {}, t("happened")),
      happened,
      el("div", { class: "bar" }, button(t("reset_server"), () => attempt(async () => {
        await control("POST", "reset");
        notice(t("was_reset"));
      }))),
    ),
    faults.element,
  );
  tick();
  drawDue();
  const timer = setInterval(tick, 1000);
  const stops = [onState(drawDue), live.on("state", tick), faults.stop];
  const leave = () => {
    clearInterval(timer);
    stops.forEach((stop) => stop());
  };
  leave.move = (next) => faults.prefill(next.query);
  return leave;
}
