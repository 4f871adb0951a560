// <button data-copy data-copied="Copied"> copies the code beside it, or the value of data-copy.
export function enhanceCopyButtons(announce) {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const text = button.dataset.copy || button.closest(".code")?.querySelector("code")?.textContent;
    if (!text) return;
    try {
      await navigator.clipboard.writeText(text.trim());
      announce(button.dataset.copied);
    } catch {
      // Refused or not served over https: select the text, so that the visitor's own copy works.
      const code = button.closest(".code")?.querySelector("code");
      if (code) getSelection().selectAllChildren(code);
    }
  });
}
