// "/" goes to the search field of the view; arrows go through lists; Escape leaves a field.

const EDITABLE = "input, textarea, select";

export function setUpKeyboard() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && !event.target.closest(EDITABLE)) {
      const search = document.querySelector("[data-search]");
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    } else if (event.key === "Escape" && event.target.closest(EDITABLE)) {
      event.target.blur();
    }
  });
}

// Moves the focus through the `items` of a list, from its search field too; Enter is the items' own.
export function arrows(list, selector, search = null) {
  const items = () => [...list.querySelectorAll(selector)].filter((item) => item.offsetParent !== null);
  const move = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const all = items();
    const index = all.indexOf(document.activeElement) + step;
    if (index < 0 && search) search.focus();
    else all[Math.min(Math.max(index, 0), all.length - 1)]?.focus();
    event.preventDefault();
  };
  list.addEventListener("keydown", move);
  search?.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") move(event);
    if (event.key === "Enter") items()[0]?.click();
  });
}
