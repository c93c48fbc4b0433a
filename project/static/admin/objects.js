// Comforts of the forms. Everything works without this file.
(() => {
  "use strict";

  // -- rows of inlines ------------------------------------------------------------------------

  for (const inline of document.querySelectorAll("[data-inline]")) {
    const template = inline.querySelector("template");
    const add = inline.querySelector("[data-inline-add]");
    const body = inline.querySelector("tbody");
    if (!template) continue;
    const name = inline.dataset.inline;
    const numbers = [...body.querySelectorAll("[name]")].map((field) =>
      Number(field.name.slice(name.length + 1).split("-")[0]),
    );
    let next = Math.max(-1, ...numbers) + 1;
    const update = () => {
      add.hidden = body.rows.length >= Number(inline.dataset.most);
    };
    const offerRemoval = (row) => {
      const button = row.querySelector("[data-inline-remove]");
      if (!button) return;
      button.hidden = false;
      button.addEventListener("click", () => {
        const nearest = row.nextElementSibling ?? row.previousElementSibling;
        row.remove();
        update();
        (nearest?.querySelector("input:not([type=hidden]), select, textarea") ?? add).focus();
        body.dispatchEvent(new Event("change", { bubbles: true }));
      });
    };
    add.addEventListener("click", () => {
      const row = template.content.firstElementChild.cloneNode(true);
      const number = String(next++);
      for (const element of row.querySelectorAll("*")) {
        for (const attribute of element.attributes) {
          if (attribute.value.includes("__n__")) {
            attribute.value = attribute.value.replaceAll("__n__", number);
          }
        }
      }
      body.append(row);
      offerRemoval(row);
      document.dispatchEvent(new CustomEvent("lintel:fields", { detail: row }));
      listenForPopups(row);
      row.querySelector("input:not([type=hidden]), select, textarea")?.focus();
      update();
    });
    for (const row of body.rows) offerRemoval(row);
    update();
  }

  // -- two versions: the field below holds what is chosen, and may be changed further --------------

  for (const choice of document.querySelectorAll(".versions [data-text]")) {
    const show = () => {
      const field = choice.form.elements.namedItem(choice.dataset.field);
      if (choice.checked && field) field.value = choice.dataset.text;
    };
    choice.addEventListener("change", show);
    show();
  }

  // -- a related row, added in a window of its own ----------------------------------------------

  const waiting = new Map();

  function listenForPopups(root) {
    for (const link of root.querySelectorAll("a[data-popup]")) {
      link.addEventListener("click", (event) => {
        const opened = window.open(link.href, `add-${link.dataset.popup}`, "popup,width=760,height=820");
        if (!opened) return; // the link opens a tab, as without a script
        event.preventDefault();
        waiting.set(opened, link.dataset.popup);
      });
    }
  }

  listenForPopups(document);

  // A button for the row that was added, beside those that were there; none for the first of all.
  function addButton(group, name) {
    const last = group?.querySelector(".boxes")?.lastElementChild;
    if (!last) return null;
    const label = last.cloneNode(true);
    last.after(label);
    label.querySelector("span").textContent = name.replace(/ #[^#]*$/, "");
    const button = label.querySelector("input");
    button.checked = true;
    return button;
  }

  window.addEventListener("message", (event) => {
    const id = waiting.get(event.source) ?? "";
    const name = event.data?.lintelAdded;
    if (event.origin !== location.origin || typeof name !== "string") return;
    const field = document.getElementById(id) ?? addButton(document.getElementById(`${id}-group`), name);
    if (!field) return;
    waiting.delete(event.source);
    field.value = name;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });

  const added = document.querySelector("[data-popup-name]");
  if (added && window.opener) {
    window.opener.postMessage({ lintelAdded: added.dataset.popupName }, location.origin);
    window.close();
  }

  // -- texts that are made from others ----------------------------------------------------------

  // The same as the server's `prepopulating.LETTERS`.
  const LETTERS = { ß: "ss", æ: "ae", œ: "oe", ø: "o", ł: "l", đ: "d", ð: "d", þ: "th" };
  const slugOf = (text) =>
    text
      .toLowerCase()
      .replace(/[ßæœøłđðþ]/g, (letter) => LETTERS[letter])
      .normalize("NFKD")
      .replace(/[^\x00-\x7f]/g, "")
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "");

  for (const target of document.querySelectorAll("[data-made-from]")) {
    const prefix = target.id.slice(0, target.id.lastIndexOf("-") + 1);
    const sources = target.dataset.madeFrom
      .split(" ")
      .map((name) => document.getElementById(prefix + name))
      .filter(Boolean);
    let isOwn = target.value !== "";
    target.addEventListener("input", () => {
      isOwn = target.value !== "";
    });
    for (const source of sources) {
      source.addEventListener("input", () => {
        if (isOwn) return;
        const slug = slugOf(sources.map((each) => each.value).join(" "));
        target.value = target.maxLength > 0 ? slug.slice(0, target.maxLength) : slug;
      });
    }
  }

  // -- mistakes ---------------------------------------------------------------------------------

  const mistakes = document.getElementById("mistakes");
  if (mistakes) (document.querySelector('[aria-invalid="true"]') ?? mistakes).focus();
})();
