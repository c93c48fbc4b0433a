// Panels that bring themselves up to date. Without this file they show the moment of the page.
(() => {
  "use strict";

  const renew = async (panel) => {
    if (document.hidden) return;
    const response = await fetch(panel.dataset.panel, { headers: { Accept: "text/html" } });
    // A redirect is the sign-in page: the session has ended, and the next click says so.
    if (!response.ok || response.redirected) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelector("[data-panel]");
    if (fresh) panel.replaceChildren(...fresh.childNodes);
  };

  for (const panel of document.querySelectorAll("[data-panel]")) {
    let isAsking = false;
    setInterval(async () => {
      if (isAsking) return;
      isAsking = true;
      try {
        await renew(panel);
      } catch (error) {
        console.info("The panel could not be renewed", error); // the next turn tries again
      } finally {
        isAsking = false;
      }
    }, Number(panel.dataset.refresh) * 1000);
  }
})();
