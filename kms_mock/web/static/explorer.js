// All operations: find one, fill in its form, send it, read the answer, take the code.

import { answerPanel } from "./answer.js";
import { askForCode, codePanel } from "./code.js";
import { button, el, labelled, replace, select } from "./dom.js";
import { operationForm } from "./form.js";
import { arrows } from "./keyboard.js";
import { model, operationNamed } from "./model.js";
import { attempt } from "./notices.js";
import { operationDocuments } from "./operation_documents.js";
import { flattened, send } from "./product.js";
import { href } from "./router.js";
import { sectionTitle, t } from "./texts.js";
import { onWho, who } from "./who.js";

export function showExplorer(container, where) {
  const search = el("input", { type: "search", placeholder: t("search_operations"), "aria-label": t("search_operations"), "data-search": true, oninput: () => drawList() });
  const list = el("nav", { class: "list", "aria-label": t("operations") });
  const detail = el("section", { class: "detail", "aria-label": t("operation") });
  arrows(list, "a", search);
  container.append(el("div", { class: "side" }, search, list), detail);
  let current = "";
  let stop = () => {};

  function drawList() {
    const words = search.value.toLowerCase().split(/\s+/);
    const sections = new Map();
    for (const entry of model.catalogue.operations) {
      const text = `${entry.operation.name} ${entry.operation.description} ${entry.section} ${sectionTitle(entry.section)}`.toLowerCase();
      if (words.every((word) => text.includes(word))) sections.set(entry.section, [...(sections.get(entry.section) ?? []), entry.operation]);
    }
    replace(
      list,
      [...sections].map(([section, operations]) => [
        el("h2", { class: "section" }, sectionTitle(section)),
        operations.map((operation) => el("a", { href: href("explorer", [operation.name]), title: operation.description, "aria-current": operation.name === current ? "true" : null }, operation.name)),
      ]),
      sections.size ? null : el("p", { class: "hint" }, t("nothing")),
    );
  }

  function move({ rest, query }) {
    current = rest[0] ?? "";
    stop();
    stop = () => {};
    container.classList.toggle("open", current !== "");
    drawList();
    list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    const entry = operationNamed(current);
    if (entry) stop = showOperation(detail, entry, query);
    else replace(detail, el("p", { class: "empty" }, current ? t("no_operation", { name: current }) : t("choose_operation")));
  }

  move(where);
  const leave = () => stop();
  leave.move = move;
  return leave;
}

function showOperation(detail, entry, query) {
  const { operation } = entry;
  const result = el("div", { class: "result" });
  let last = null; // the answer, and the resources as they were before it
  let timer = null;
  const form = operationForm(entry, query, () => {
    last = null;
    clearTimeout(timer);
    timer = setTimeout(code.draw, 300);
  });
  const code = codePanel(() => askForCode(operation.name, form.values(), last ?? {}));
  let xml = false;
  const format = select([["json", "JSON"], ["xml", "XML"]], "json", (value) => {
    xml = value === "xml";
  });
  const submit = el("button", { type: "submit", class: "main" }, t("send"));

  async function onsubmit(event) {
    event.preventDefault();
    submit.disabled = true;
    await attempt(async () => {
      const values = form.values();
      const before = await askForCode(operation.name, values);
      const answer = await send({ operation: operation.name, version: operation.version, parameters: flattened(values, entry.form), xml, who });
      replace(result, answerPanel(answer));
      result.scrollIntoView({ block: "nearest" });
      last = answer.document ? { answer: { status: answer.status, document: answer.document }, fixture: before.fixture } : null;
      await code.draw();
    });
    submit.disabled = false;
  }

  replace(
    detail,
    el("a", { class: "back", href: "#/explorer" }, `← ${t("operations")}`),
    el("h2", {}, operation.name, el("small", {}, ` ${operation.product} ${operation.version}`)),
    el("p", {}, operation.description),
    el(
      "div",
      { class: "columns" },
      el(
        "div",
        {},
        el("form", { onsubmit, novalidate: true }, form.element, el("div", { class: "bar" }, submit, labelled(t("format"), format), button(t("clear"), () => {
          location.hash = href("explorer", [operation.name]);
          showOperation(detail, entry, new URLSearchParams());
        }))),
        operationDocuments(entry),
      ),
      el("div", {}, result, code.element),
    ),
  );
  code.draw();
  return onWho(code.draw);
}
