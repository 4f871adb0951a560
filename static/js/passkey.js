// Says aloud when the browser did not use a key, instead of leaving the page silent.
import { announce } from "./announce.js";

const words = document.querySelector("script[data-refused]")?.dataset.refused;

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  announce(words);
});
