// Comforts of working on many rows. Everything works without this file.
(() => {
  "use strict";

  // What was typed into a list and is not saved yet is not lost by an action without a question.
  const form = document.getElementById("rows");
  if (form) {
    const inputs = [...form.querySelectorAll('[name^="row-"]:not([type="hidden"])')];
    const isTouched = (input) =>
      input.type === "checkbox"
        ? input.checked !== input.defaultChecked
        : input.value !== input.defaultValue;
    form.addEventListener("submit", (event) => {
      const leaves = event.submitter && event.submitter.hasAttribute("formaction");
      if (leaves && inputs.some(isTouched) && !confirm("What you typed is not saved. Go on?")) {
        event.preventDefault();
      }
    });
  }
})();
