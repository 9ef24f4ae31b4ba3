// Every error: its text, who answers it, how sure that is, and how to get it here.

import { answerPanel, badge } from "./answer.js";
import { control } from "./control.js";
import { breakable, button, el, replace } from "./dom.js";
import { model } from "./model.js";
import { attempt, notice } from "./notices.js";
import { send } from "./product.js";
import { href } from "./router.js";
import { matches, table } from "./table.js";
import { t } from "./texts.js";
import { who } from "./who.js";

export function showErrors(container, where) {
  const search = el("input", { type: "search", placeholder: t("search_errors"), "aria-label": t("search_errors"), "data-search": true, oninput: () => fill() });
  const detail = el("section", { class: "detail", "aria-label": t("error") });
  const places = new Map(model.catalogue.errors.map((entry, index) => [entry, index]));
  let chosen = null;
  const list = table({
    label: t("errors"),
    search,
    id: (entry) => places.get(entry),
    href: (entry) => href("errors", [entry.products[0], entry.error.code, places.get(entry)]),
    columns: [
      { title: t("column_code"), value: (entry) => entry.error.code, cell: (entry) => breakable(entry.error.code) },
      { title: t("column_status"), value: (entry) => entry.error.status, cell: (entry) => badge(entry.error.status) },
      { title: t("column_text"), value: (entry) => entry.error.message, kind: "long" },
      { title: t("column_sureness"), value: (entry) => t(`sure_${entry.error.sureness}`) },
      { title: t("column_operations"), value: (entry) => (entry.anywhere ? Infinity : entry.operations.length), cell: (entry) => (entry.anywhere ? t("any_operation") : String(entry.operations.length)), kind: "number" },
    ],
  });
  container.append(el("div", { class: "middle" }, el("div", { class: "bar" }, search), list.element), detail);

  function fill() {
    list.set(model.catalogue.errors.filter((entry) => matches([entry.error, entry.operations], search.value)), places.get(chosen));
  }

  function move({ rest }) {
    const [product, code, place] = rest;
    chosen = model.catalogue.errors[place] ?? model.catalogue.errors.find((entry) => entry.products.includes(product) && entry.error.code === code) ?? null;
    container.classList.toggle("open", chosen !== null);
    fill();
    if (chosen) showError(detail, chosen);
    else replace(detail, el("p", { class: "empty" }, t("choose_error")));
  }

  move(where);
  const leave = () => {};
  leave.move = move;
  return leave;
}

function showError(detail, entry) {
  const { error, operations, request, fault } = entry;
  const result = el("div");
  const tryIt = () => attempt(async () => {
    replace(result, answerPanel(await send({ ...request, who })));
  });
  const make = () => attempt(async () => {
    await control("POST", "faults", fault);
    notice(t("fault_made", { operation: fault.operation }));
  });
  replace(
    detail,
    el("a", { class: "back", href: "#/errors" }, `← ${t("errors")}`),
    el("h2", {}, error.code),
    el("p", { class: "status" }, badge(error.status), ` ${entry.products.join(", ")} · ${t(`sure_${error.sureness}`)}`),
    el("pre", { class: "data", tabindex: "0" }, error.message),
    error.note ? el("p", {}, error.note) : null,
    el("h3", {}, t("how_to_get_it")),
    request ? [el("p", {}, t("by_request"), " ", el("code", {}, `${request.operation} ${JSON.stringify(request.parameters)}`)), button(t("send"), tryIt, { class: "main" })] : el("p", {}, t("by_fault")),
    el("div", { class: "bar" }, button(t("make_fault"), make), el("a", { class: "button", href: href("time", [], fault) }, t("edit_fault"))),
    result,
    el("h3", {}, t("who_has_it")),
    entry.anywhere ? el("p", {}, t("any_operation")) : null,
    el("ul", { class: "operations" }, operations.map((name) => el("li", {}, el("a", { href: href("explorer", [name]) }, name)))),
  );
}
