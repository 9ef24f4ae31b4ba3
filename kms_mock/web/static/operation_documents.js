// What is known of an operation: its answer, its errors, and what no document says.

import { el } from "./dom.js";
import { badge } from "./answer.js";
import { href } from "./router.js";
import { t } from "./texts.js";

export function operationDocuments(entry) {
  const { operation, answer } = entry;
  const seen = Object.entries(operation.seen).map(([sentence, date]) => `${sentence} (${t("sure_seen")}, ${date})`);
  const rules = [...operation.inferred, ...seen];
  const refused = operation.parameters.filter((parameter) => parameter.not_offered);
  return el(
    "div",
    { class: "documents" },
    part(t("answer_fields"), Object.keys(answer).length, el("ul", {}, Object.entries(answer).map(([name, type]) => el("li", {}, el("code", {}, name), ` ${type}`)))),
    part(t("errors"), operation.errors.length, el("ul", {}, operation.errors.map((error) => el("li", {}, badge(error.status), " ", el("a", { href: href("errors", [operation.product, error.code]) }, error.code), ` ${error.message}`)))),
    part(t("inferred"), rules.length, el("ul", {}, rules.map((sentence) => el("li", {}, sentence)))),
    part(t("not_offered"), refused.length, el("ul", {}, refused.map((parameter) => el("li", {}, el("code", {}, parameter.name), ` ${parameter.not_offered}`)))),
  );
}

function part(title, count, body) {
  return count ? el("details", {}, el("summary", {}, `${title} (${count})`), body) : null;
}
