// Comforts of working on many rows. Everything works without this file.
(() => {
  "use strict";

  // A check leaves the file chosen, so that it need not be looked for again.
  const upload = document.getElementById("import");
  if (upload) {
    upload.addEventListener("submit", async (event) => {
      if (!event.submitter || event.submitter.name !== "check") return;
      event.preventDefault();
      const body = new FormData(upload, event.submitter);
      event.submitter.disabled = true;
      try {
        const response = await fetch(upload.action, { method: "POST", body });
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        for (const id of ["import-report", "import-buttons"]) {
          const found = page.getElementById(id);
          if (!found) return document.getElementById("import-report").replaceChildren(
            Object.assign(document.createElement("p"), {
              className: "alert alert-danger",
              textContent: upload.dataset.failed.replace("{status}", response.status),
            }),
          );
          document.getElementById(id).replaceWith(found);
        }
        const mistake = page.querySelector("main > .alert-danger");
        if (mistake) document.getElementById("import-report").prepend(mistake);
      } finally {
        event.submitter.disabled = false;
      }
    });
  }
})();
