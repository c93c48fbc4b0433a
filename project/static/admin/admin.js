// Comforts. Everything in the admin works without this file.
(() => {
  "use strict";

  for (const all of document.querySelectorAll("[data-tick-all]")) {
    const boxes = [...all.form.querySelectorAll('input[name="pks"]')];
    all.hidden = false;
    all.addEventListener("change", () => {
      for (const box of boxes) box.checked = all.checked;
    });
  }

  // Escape closes the menu of small screens, and the keyboard is back where it was opened.
  const menu = document.querySelector(".small-menu");
  menu?.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  // Whose clock the pages are for; the server takes it for UTC where it knows no such zone.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `lintel_zone=${encodeURIComponent(zone)}; path=/admin; max-age=31536000; samesite=lax${secure}`;
  }

  // A field that names another row: suggestions while one types.
  const suggestTo = (input) => {
    const list = document.getElementById(input.getAttribute("list"));
    let timer = 0;
    let newest = 0;
    const suggest = async () => {
      const turn = ++newest;
      const query = new URLSearchParams({ name: input.dataset.lookupName ?? input.name, term: input.value });
      const response = await fetch(`${input.dataset.lookup}?${query}`);
      if (!response.ok || turn !== newest) return;
      const { results } = await response.json();
      list.replaceChildren(
        ...results.map((text) => Object.assign(document.createElement("option"), { value: text })),
      );
    };
    input.addEventListener("input", () => {
      clearTimeout(timer);
      if (input.value.trim()) timer = setTimeout(suggest, 150);
    });
  };
  const suggestIn = (root) => root.querySelectorAll("[data-lookup]").forEach(suggestTo);
  suggestIn(document);
  document.addEventListener("lintel:fields", (event) => suggestIn(event.detail));
})();
