import { fill } from "/page/texts.js";

fill();
// Over: tell the form around, which is of the same origin.
if (document.getElementById("over") && window.parent !== window) {
  window.parent.postMessage({ type: "challenge-over" }, window.location.origin);
}
