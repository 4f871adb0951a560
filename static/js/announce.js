// Says a sentence to the eye (a toast) and to screen readers (role=status on the same element).
const SHOWN_FOR_MS = 4000;

export function announce(text) {
  const region = document.getElementById("toasts");
  if (!region || !text) return;
  const toast = document.createElement("p");
  toast.className = "toast";
  toast.textContent = text;
  region.replaceChildren(toast);
  setTimeout(() => toast.remove(), SHOWN_FOR_MS);
}
