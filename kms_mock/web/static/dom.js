// Elements without markup: data only ever becomes text.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" && "value" in element) element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

export function replace(element, ...children) {
  element.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function button(label, onclick, properties = {}) {
  return el("button", { type: "button", onclick, ...properties }, label);
}

// A code or a name that may be broken after its dots.
export function breakable(text) {
  return text.split(/(?<=[./])/).flatMap((part, index) => (index ? [el("wbr"), part] : [part]));
}

let count = 0;
export function newId(prefix) {
  count += 1;
  return `${prefix}-${count}`;
}

// A labelled control: `input` gets the id that the label points to.
export function labelled(label, input, hint = null) {
  input.id ||= newId("field");
  return el("div", { class: "field" }, el("label", { for: input.id }, label), input, hint);
}

export function select(options, value, onchange, properties = {}) {
  const element = el("select", { onchange: () => onchange(element.value), ...properties });
  for (const [key, title] of options) element.append(el("option", { value: key }, title));
  element.value = value;
  return element;
}
