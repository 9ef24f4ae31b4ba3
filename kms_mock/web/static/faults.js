// Faults: those that are there, with how often each struck, and a form for a new one.

import { control } from "./control.js";
import { breakable, button, el, labelled, replace, select } from "./dom.js";
import * as live from "./live.js";
import { model } from "./model.js";
import { attempt } from "./notices.js";
import { t } from "./texts.js";

const NUMBERS = ["skip", "times", "status", "probability", "latency", "seconds", "seed", "retry_after"];
const MAIN = ["operation", "resource", "caller", "code", "times", "skip"];
const MORE = ["status", "message", "latency", "seconds", "probability", "seed", "retry_after"];

export function faultsPanel(query) {
  const inputs = {};
  const list = el("div");
  const text = (name) => {
    inputs[name] = el("input", { type: "text", spellcheck: "false", autocomplete: "off", list: name === "operation" ? "fault-operations" : name === "code" ? "fault-codes" : null });
    return labelled(t(`fault_${name}`), inputs[name]);
  };
  const choice = (name, values) => {
    inputs[name] = select([["", "—"], ...values.map((value) => [value, value])], "", () => {});
    return labelled(t(`fault_${name}`), inputs[name]);
  };
  const codes = [...new Set(model.catalogue.errors.map(({ error }) => error.code))];
  const element = el(
    "section",
    { class: "faults", "aria-label": t("faults") },
    el("h2", {}, t("faults")),
    list,
    el("h3", {}, t("new_fault")),
    el("datalist", { id: "fault-operations" }, ["*", ...model.catalogue.operations.map(({ operation }) => operation.name)].map((value) => el("option", { value }))),
    el("datalist", { id: "fault-codes" }, codes.map((value) => el("option", { value }))),
    el(
      "form",
      { onsubmit: add, novalidate: true },
      el("div", { class: "grid" }, MAIN.map(text)),
      el("details", {}, el("summary", {}, t("more")), el("div", { class: "grid" }, MORE.map(text), choice("effect", ["reset", "truncate", "slow", "malformed"]), choice("phase", ["before", "after"]))),
      el("div", { class: "bar" }, el("button", { type: "submit", class: "main" }, t("make_fault"))),
    ),
  );

  function add(event) {
    event.preventDefault();
    return attempt(async () => {
      const wanted = Object.entries(inputs).filter(([, input]) => input.value !== "");
      await control("POST", "faults", Object.fromEntries(wanted.map(([name, input]) => [name, typed(name, input.value)])));
      await draw();
    });
  }

  const draw = () => attempt(async () => {
    const { faults } = await control("GET", "faults");
    replace(list, faults.length ? faultsTable(faults, remove) : el("p", { class: "hint" }, t("no_faults")));
  });

  const remove = (fault) => attempt(async () => {
    await control("DELETE", `faults/${fault.id}`);
    await draw();
  });

  function prefill(given) {
    for (const [name, found] of given) if (name in inputs) inputs[name].value = found;
  }

  prefill(query);
  draw();
  let changes = -1;
  const stops = [
    live.on("calls", ({ news }) => news.some((call) => call.fault) && draw()),
    live.on("state", (state) => {
      if (state.changes !== changes) draw();
      changes = state.changes;
    }),
  ];
  return { element, prefill, stop: () => stops.forEach((stop) => stop()) };
}

function faultsTable(faults, remove) {
  const titles = ["#", t("fault_aim"), t("fault_what"), t("fault_phase"), t("fault_struck")];
  const heads = [...titles.map((title) => el("th", { scope: "col" }, title)), el("td", {})];
  const row = (fault) => el(
    "tr",
    { class: fault.spent ? "quiet" : "" },
    el("td", {}, String(fault.id)),
    el("td", {}, aimOf(fault)),
    el("td", {}, fault.code ? breakable(fault.code) : fault.effect ?? `${t("fault_latency")} ${fault.latency}`),
    el("td", {}, fault.phase),
    el("td", {}, t("struck", { struck: fault.struck, times: fault.times ?? "∞" })),
    el("td", {}, button(t("remove"), () => remove(fault), { class: "small", "aria-label": t("remove_fault", { id: fault.id }) })),
  );
  const body = el("tbody", {}, faults.map(row));
  return el("div", { class: "table still" }, el("table", { "aria-label": t("faults") }, el("thead", {}, el("tr", {}, heads)), body));
}

// Which requests a fault strikes.
function aimOf(fault) {
  const named = ["operation", "resource", "caller"].filter((name) => (fault[name] ?? "*") !== "*");
  return named.map((name) => (name === "operation" ? fault[name] : `${t(`fault_${name}`)}: ${fault[name]}`)).join(", ") || t("everything");
}

// The text of a field as the control API takes it; what is no number stays a text, which the server refuses with a sentence.
function typed(name, text) {
  if (!NUMBERS.includes(name)) return text;
  if (name === "latency" && text.includes(",")) return text.split(",").map(Number);
  return Number.isNaN(Number(text)) ? text : Number(text);
}
