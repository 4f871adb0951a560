// A form is sent once; htmx failures are said aloud instead of nothing happening.
const BUSY_FOR_MS = 5000;

function free() {
  for (const button of document.querySelectorAll("button[aria-busy='true']")) button.removeAttribute("aria-busy");
}

export function enhanceSubmitting(announce) {
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.getAttribute("method") === "dialog") return;
    const button = event.submitter;
    if (!button || event.target.matches("[data-repeatable]")) return;
    if (button.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    button.setAttribute("aria-busy", "true");
    // A download or an htmx answer leaves the page as it is: the button must work again.
    setTimeout(() => button.removeAttribute("aria-busy"), BUSY_FOR_MS);
  });
  document.addEventListener("htmx:afterRequest", free);
  // Back from the next page, the browser shows this one as it was left.
  addEventListener("pageshow", free);
  document.addEventListener("htmx:responseError", () => announce(document.body.dataset.failed));
  document.addEventListener("htmx:sendError", () => announce(document.body.dataset.failed));
  // Forms without a page change reload what they changed: <select data-submit> sends its form.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });
}
