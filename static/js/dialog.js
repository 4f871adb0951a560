// <a href="/confirm/page" data-dialog="name"> opens <dialog id="dialog-name"> instead of following its link.
// showModal() keeps the focus inside and gives it back to the opener when the dialog closes.
export function enhanceDialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) {
      const dialog = document.getElementById(`dialog-${opener.dataset.dialog}`);
      if (!dialog) return;
      event.preventDefault();
      dialog.showModal();
      return;
    }
    const closer = event.target.closest("[data-dialog-close]");
    const open = closer?.closest("dialog[open]");
    if (open) {
      event.preventDefault();
      open.close();
      return;
    }
    // A click on the backdrop has the dialog itself as its target.
    if (event.target.matches?.("dialog[open]") && !isInside(event)) event.target.close();
  });
}

function isInside(event) {
  const box = event.target.getBoundingClientRect();
  return (
    event.clientX >= box.left &&
    event.clientX <= box.right &&
    event.clientY >= box.top &&
    event.clientY <= box.bottom
  );
}
