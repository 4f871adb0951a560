// The summary of a form's errors takes the focus, on load and after htmx put it there.
export function enhanceFocus() {
  focusFirst(document);
  document.addEventListener("htmx:afterSwap", (event) => focusFirst(event.detail.target));
}

function focusFirst(root) {
  root.querySelector?.("[data-focus]")?.focus();
}
