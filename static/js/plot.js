// A plot is one tab stop; arrow keys walk along its columns, which are read out as they take the focus.
export function enhancePlots() {
  document.addEventListener("keydown", (event) => {
    const slot = event.target.closest?.(".plot__slot");
    if (!slot) return;
    const slots = [...slot.parentElement.querySelectorAll(".plot__slot")];
    const here = slots.indexOf(slot);
    const wanted = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: slots.length - 1 }[event.key];
    const next = slots[wanted];
    if (!next) return;
    event.preventDefault();
    slot.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}
