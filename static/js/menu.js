// <details data-menu>: Escape and clicks elsewhere close it, arrow keys walk through its items.
export function enhanceMenus() {
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.("details[data-menu]");
    if (!menu) return;
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(menu, event.key === "ArrowDown" ? 1 : -1);
    }
  });
  // Tabbing out of a menu closes it.
  document.addEventListener("focusout", (event) => {
    const menu = event.target.closest?.("details[data-menu][open]");
    if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
}

function move(menu, step) {
  menu.open = true;
  const items = [...menu.querySelectorAll(".menu__list :is(a, button, input):not(:disabled)")];
  if (!items.length) return;
  const here = items.indexOf(document.activeElement);
  const next = here === -1 && step < 0 ? items.length - 1 : (here + step + items.length) % items.length;
  items[next].focus();
}
