// A list that can be sorted by its heads, and gone through with the arrows; Enter or a click opens a row.

import { el, replace } from "./dom.js";
import { arrows } from "./keyboard.js";
import { t } from "./texts.js";

const MOST_ROWS = 500;

// columns: [{ title, value(row), cell?(row), kind? }]; `id(row)` tells rows apart; `href(row)` is where one leads.
export function table({ columns, id, href, label, search = null }) {
  let rows = [];
  let sorted = null;
  let down = false;
  let selected = "";
  const body = el("tbody");
  const more = el("p", { class: "hint" });
  const heads = columns.map((column) => {
    const head = el("th", { scope: "col", class: column.kind ?? "" });
    head.append(el("button", { type: "button", class: "sort", onclick: () => sortBy(column) }, column.title));
    return head;
  });
  const element = el("table", { "aria-label": label }, el("thead", {}, el("tr", {}, heads)), body);
  arrows(body, "a.row", search);

  function sortBy(column) {
    down = sorted === column ? !down : false;
    sorted = column;
    heads.forEach((head, index) => head.setAttribute("aria-sort", columns[index] !== sorted ? "none" : down ? "descending" : "ascending"));
    draw();
  }

  function line(row) {
    const cells = columns.map((column, index) => {
      const content = column.cell?.(row) ?? String(column.value(row) ?? "");
      return el("td", { class: column.kind ?? "" }, index === 0 ? el("a", { class: "row", href: href(row) }, content) : content);
    });
    const current = id(row) === selected;
    return el("tr", { class: current ? "selected" : "", onclick: (event) => event.target.closest("a, button") || (location.hash = href(row)) }, cells);
  }

  function draw() {
    const found = sorted ? [...rows].sort((a, b) => compare(sorted.value(a), sorted.value(b)) * (down ? -1 : 1)) : rows;
    const focused = body.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    replace(body, found.slice(0, MOST_ROWS).map(line));
    if (focused) [...body.querySelectorAll("a.row")].find((link) => link.getAttribute("href") === focused)?.focus();
    more.textContent = !found.length ? t("nothing") : found.length > MOST_ROWS ? t("first_rows", { shown: MOST_ROWS, all: found.length }) : "";
  }

  return {
    element: el("div", { class: "table", tabindex: "-1" }, element, more),
    set(newRows, newSelected = selected) {
      rows = newRows;
      selected = newSelected;
      draw();
    },
  };
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a ?? "").localeCompare(String(b ?? ""), undefined, { numeric: true });
}

export function matches(row, text) {
  if (!text) return true;
  const found = JSON.stringify(row).toLowerCase();
  return text.toLowerCase().split(/\s+/).every((word) => found.includes(word));
}
