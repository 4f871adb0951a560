// "/" and Ctrl-K (Cmd-K) put the cursor into the search box.
export function enhanceShortcuts() {
  document.addEventListener("keydown", (event) => {
    const isSlash = event.key === "/" && !event.target.closest?.("input, textarea, select, [contenteditable]");
    const isCommand = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
    const search = document.querySelector("[data-shortcut]");
    if (!search || (!isSlash && !isCommand)) return;
    event.preventDefault();
    search.focus();
    search.select();
  });
}
