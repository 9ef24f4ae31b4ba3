// A form made from the parameters of an operation.

import { button, el, newId, replace } from "./dom.js";
import { model, resources } from "./model.js";
import { t } from "./texts.js";
import { who } from "./who.js";

const JSON_KINDS = ["json", "list", "object"];
const LONG = 1024;
const ids = (list, field = "id") => (list ?? []).map((entry) => entry[field]);

// What the state has for a parameter to choose from.
function choices(field, values) {
  const here = resources(who);
  const secret = (here.secrets ?? []).find((entry) => entry.name === values.SecretName);
  const key = (here.keys ?? []).find((entry) => entry.id === values.KeyId || entry.aliases?.includes(values.KeyId));
  switch (field.name) {
    case "KeyVersionId":
      return ids(key?.versions);
    case "VersionId":
    case "MoveToVersion":
    case "RemoveFromVersion":
      return ids(secret?.versions);
    case "VersionStage":
      return [...new Set(["ACSCurrent", "ACSPrevious", ...(secret?.versions ?? []).flatMap((version) => version.stages ?? [])])];
    case "EncryptionKeyId":
      return ids(here.keys);
    case "DKMSInstanceId":
    case "KmsInstance":
      return ids(here.instances);
    case "RegionId":
      return [...new Set((model.state.accounts ?? []).flatMap((account) => ids(account.regions)))];
  }
  const all = {
    key: [...ids(here.keys), ...(here.keys ?? []).flatMap((entry) => entry.aliases ?? [])],
    alias: (here.keys ?? []).flatMap((entry) => entry.aliases ?? []),
    secret: ids(here.secrets, "name"),
    certificate: ids(here.certificates),
    keystore: ids(here.instances),
    network: ids(here.network_rules, "name"),
    policy: ids(here.access_policies, "name"),
    applicationaccesspoint: ids(here.access_points, "name"),
    datakey: ids(here.managed_data_keys, "name"),
  };
  return field.resource === "any" ? [...all.key, ...all.secret, ...all.certificate] : (all[field.resource] ?? []);
}

export function operationForm(entry, given, onchange) {
  const fields = entry.form.filter((field) => !entry.operation.parameters.find((parameter) => parameter.name === field.name).not_offered);
  const inputs = new Map();
  const element = el("div", { class: "form" });

  function values() {
    const found = {};
    for (const field of fields) {
      const { input, empty } = inputs.get(field.name);
      if (input.value !== "" || empty?.checked) found[field.name] = input.value;
    }
    return found;
  }

  for (const field of fields) {
    const parameter = entry.operation.parameters.find((each) => each.name === field.name);
    const made = makeInput(field, parameter, given.get(field.name) ?? "");
    inputs.set(field.name, made);
    const { input, empty } = made;
    input.id = newId("parameter");
    input.name = field.name;
    const problem = el("p", { class: "problem", id: `${input.id}-problem` });
    const hint = el("p", { class: "hint", id: `${input.id}-hint` }, parameter.type.replaceAll("`", ""));
    input.setAttribute("aria-describedby", `${input.id}-hint ${input.id}-problem`);
    if (parameter.required) input.setAttribute("aria-required", "true");
    input.addEventListener("input", () => {
      problem.textContent = JSON_KINDS.includes(field.kind) ? jsonProblem(input.value) : "";
      onchange();
    });
    if (made.list) input.addEventListener("focus", () => replace(made.list, choices(field, values()).map((value) => el("option", { value }))));
    empty?.addEventListener("change", onchange);
    element.append(
      el(
        "div",
        { class: "field" },
        el("label", { for: input.id }, field.name, parameter.required ? el("span", { class: "required", title: t("required") }, " *") : null),
        field.sample ? button(t("sample"), () => {
          input.value = JSON.stringify(JSON.parse(field.sample), null, 1);
          input.dispatchEvent(new Event("input"));
          input.focus();
        }, { class: "small", "aria-label": t("sample_of", { name: field.name }) }) : null,
        empty ? el("label", { class: "empty" }, empty, ` ${t("send_empty")}`) : null,
        input,
        made.list,
        hint,
        problem,
      ),
    );
  }
  if (!fields.length) element.append(el("p", { class: "hint" }, t("no_parameters")));
  return { element, values };
}

function makeInput(field, parameter, value) {
  const placeholder = parameter.default ?? "";
  if (field.kind === "choice" || field.kind === "boolean") {
    const input = el("select");
    const options = field.kind === "boolean" ? ["true", "false"] : field.choices;
    input.append(el("option", { value: "" }, placeholder ? t("default", { value: placeholder }) : "—"));
    for (const option of options) input.append(el("option", { value: option }, option));
    if (value && !options.includes(value)) input.append(el("option", { value }, value));
    input.value = value;
    return { input };
  }
  if (JSON_KINDS.includes(field.kind) || parameter.sensitive || /SecretData|Policy$|Pem|Blob|CertificateChain/.test(field.name)) {
    return { input: el("textarea", { rows: 2, spellcheck: "false", autocomplete: "off", placeholder, value }) };
  }
  const empty = field.empty_allowed ? el("input", { type: "checkbox" }) : null;
  const list = el("datalist", { id: newId("choices") });
  const kind = field.kind === "integer" ? { inputmode: "numeric" } : {};
  return { input: el("input", { type: "text", spellcheck: "false", autocomplete: "off", list: list.id, placeholder, value, ...kind }), list, empty };
}

function jsonProblem(text) {
  if (!text) return "";
  try {
    JSON.parse(text);
    return "";
  } catch (error) {
    return t("not_json", { problem: error.message });
  }
}
