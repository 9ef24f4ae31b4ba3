// What is there: lists of every kind, and one resource in detail.

import { serverNow } from "./clock.js";
import { json, maskedFixture, time } from "./data.js";
import { button, el, replace, select } from "./dom.js";
import { isMasked, keyOf, kindsOf, nameOf } from "./kinds.js";
import { model, onState, operationNamed, readState } from "./model.js";
import { attempt, copy, notice } from "./notices.js";
import { send } from "./product.js";
import { href } from "./router.js";
import { matches, table } from "./table.js";
import { kindTitle, t } from "./texts.js";
import { keyTimeline, secretTimeline } from "./timeline.js";
import { onWho, who } from "./who.js";

export function showState(container, where) {
  let kind = "secrets";
  let chosen = "";
  let open = false;
  let list = null;
  const search = el("input", { type: "search", placeholder: t("filter"), "aria-label": t("filter"), "data-search": true, oninput: () => fill() });
  const kinds = el("nav", { class: "kinds", "aria-label": t("kinds") });
  const picker = el("div", { class: "kind-picker" });
  const lists = el("div", { class: "lists" });
  const detail = el("section", { class: "detail", "aria-label": t("resource") });
  container.append(
    el("div", { class: "side" }, picker, kinds),
    el("div", { class: "middle" }, el("div", { class: "bar" }, search, button(t("refresh"), () => attempt(readState)), button(t("copy_all"), () => copy(JSON.stringify(model.state, null, 2), t("copied")))), lists),
    detail,
  );

  // The kind that is shown; when the account or region that had it is left, an empty list.
  function current() {
    return kindsOf(who)[kind] ?? { rows: () => [], columns: [], actions: () => [] };
  }

  function drawKinds() {
    const counts = Object.entries(kindsOf(who)).map(([name, { rows }]) => [name, rows(who).length]);
    const link = ([name, count]) => el("a", { href: href("state", [name]), "aria-current": name === kind ? "true" : null }, kindTitle(name), el("span", { class: "count" }, String(count)));
    replace(kinds, counts.map(link));
    const options = counts.map(([name, count]) => [name, `${kindTitle(name)} (${count})`]);
    replace(picker, select(options, kind, (name) => (location.hash = href("state", [name])), { "aria-label": t("kinds") }));
  }

  function newList() {
    list = table({ columns: current().columns, id: keyOf, label: kindTitle(kind), href: (row) => href("state", [kind, keyOf(row)]), search });
    replace(lists, list.element);
  }

  function fill() {
    const rows = current().rows(who).filter((row) => matches(row, search.value));
    list.set(rows, chosen);
  }

  function drawDetail() {
    const row = current().rows(who).find((entry) => keyOf(entry) === chosen);
    container.classList.toggle("open", chosen !== "");
    if (!row) {
      replace(detail, chosen ? [back(), el("p", { class: "empty" }, t("gone", { name: chosen }))] : el("p", { class: "empty" }, t("choose_resource")));
      return;
    }
    const shown = open ? row : maskedFixture(row);
    const reveals = model.server.reveal_secrets;
    const toggle = button(open ? t("mask") : t("reveal"), () => {
      open = !open;
      drawDetail();
    }, { class: "small", disabled: !reveals, title: reveals ? null : t("not_revealed") });
    replace(
      detail,
      back(),
      el("h2", {}, nameOf(row)),
      kind === "secrets" ? secretTimeline(row, serverNow()) : kind === "keys" ? keyTimeline(row, serverNow()) : null,
      el("div", { class: "bar" }, current().actions(row).map(action)),
      versionTable(shown),
      el("div", { class: "bar" }, button(t("copy_fixture"), () => copy(JSON.stringify({ [kind]: [row] }, null, 2), t("copied")), { disabled: kind === "aliases" }), isMasked(shown) || open ? toggle : null),
      json(shown),
    );
  }

  function back() {
    return el("a", { class: "back", href: href("state", [kind]) }, `← ${kindTitle(kind)}`);
  }

  function action([operation, parameters, first]) {
    if (first) return el("a", { class: "button", href: href("explorer", [operation], parameters) }, `${operation}…`);
    return button(operation, () => attempt(async () => {
      const answer = await send({ operation, version: operationNamed(operation).operation.version, parameters, who });
      notice(answer.code ? `${operation}: ${answer.code} ${answer.reason}` : `${operation}: ${answer.status}`, answer.code ? "bad" : "");
      await readState();
    }));
  }

  function draw() {
    drawKinds();
    fill();
    drawDetail();
  }

  function move({ rest }) {
    const next = rest[0] in kindsOf(who) ? rest[0] : "secrets";
    if (next !== kind || !list) {
      kind = next;
      search.value = "";
      newList();
    }
    if ((rest[1] ?? "") !== chosen) open = false;
    chosen = rest[1] ?? "";
    draw();
  }

  move(where);
  const stops = [onState(draw), onWho(draw)];
  const leave = () => stops.forEach((stop) => stop());
  leave.move = move;
  return leave;
}

function versionTable(row) {
  if (!row.versions?.length || !row.versions[0].id) return null;
  const versionRow = (version) => el(
    "tr",
    {},
    el("td", { class: "id" }, version.id),
    el("td", {}, (version.stages ?? []).join(", ")),
    el("td", { class: "value" }, String(version.data ?? version.material ?? "").slice(0, 200)),
    el("td", {}, time(version.created)),
  );
  return el(
    "table",
    { class: "versions", "aria-label": t("versions") },
    el("thead", {}, el("tr", {}, [t("column_id"), t("column_stages"), t("column_value"), t("column_created")].map((title) => el("th", { scope: "col" }, title)))),
    el("tbody", {}, row.versions.map(versionRow)),
  );
}
