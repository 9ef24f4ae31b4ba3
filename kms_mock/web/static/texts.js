// The page's own texts, in the language that was chosen, else in the browser's.

import en from "./texts_en.js";
import zh, { sections } from "./texts_zh.js";

const TEXTS = { en, zh };
export const LANGUAGES = [["en", "English"], ["zh", "中文"]];

function chosen() {
  try {
    const kept = localStorage.getItem("kms-mock-language");
    if (kept in TEXTS) return kept;
  } catch {
    // Storage is switched off: the browser's language it is.
  }
  return navigator.language.startsWith("zh") ? "zh" : "en";
}

export const language = chosen();

export function t(key, values = {}) {
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// What a group of operations is called; in English that is its own name.
export function sectionTitle(name) {
  return (language === "zh" && sections[name]) || name;
}

// What a kind of resources is called: its section in a fixture document, where it has no text.
export function kindTitle(section) {
  return `kind_${section}` in TEXTS[language] ? t(`kind_${section}`) : section.replaceAll("_", " ");
}

export function setLanguage(name) {
  try {
    localStorage.setItem("kms-mock-language", name);
  } catch {
    return;
  }
  location.reload();
}
