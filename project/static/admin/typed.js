// What somebody typed is not lost without a question. Everything works without this file.
(() => {
  "use strict";

  const KEY = "lintel-typed";
  const NEW = "+";
  const form = document.querySelector("form[data-guarded]");
  // The server showed again what it did not save: then all of it counts as typed.
  const isShownAgain =
    document.querySelector("#mistakes, .row-wrong, .field-wrong, .conflict") !== null || form?.dataset.guarded === "typed";

  // Compared with what the page came with, not with what this script found: somebody may have
  // typed before it ran.
  const isTouched = (field) => {
    if (field instanceof HTMLSelectElement) {
      const given = [...field.options].some((option) => option.defaultSelected);
      return [...field.options].some(
        (option, place) => option.selected !== (given ? option.defaultSelected : place === 0),
      );
    }
    if (isBox(field)) return field.checked !== field.defaultChecked;
    return "defaultValue" in field && field.value !== field.defaultValue;
  };
  const isBox = (field) => field.type === "checkbox" || field.type === "radio";

  // In a list only the inputs of its rows are saved; what is ticked there is not typed.
  const isInput = (field) =>
    field.name && field.type !== "hidden" && (form.getAttribute("id") !== "rows" || field.name.startsWith("row-"));
  const inputs = () => [...form.elements].filter(isInput);

  // -- leaving ----------------------------------------------------------------------------------

  if (form) {
    const isChanged = () => isShownAgain || inputs().some(isTouched);
    let isSent = false;
    form.addEventListener("submit", (event) => {
      const leaves = form.dataset.leave && event.submitter?.hasAttribute("formaction");
      if (leaves && isChanged() && !confirm(form.dataset.leave)) {
        event.preventDefault();
        return;
      }
      isSent = true;
      if (!leaves) keep();
    });
    window.addEventListener("beforeunload", (event) => {
      if (!isSent && isChanged()) event.preventDefault();
    });
    window.addEventListener("pageshow", () => {
      isSent = false; // somebody came back to the page as it was
    });
  }

  // -- signed out meanwhile ---------------------------------------------------------------------

  // A row of a list or of an inline is known by its key: after signing in it may stand elsewhere.
  // A new row of an inline has none, and is the first, second... of the new ones.
  function placeOf(field) {
    const [row, kind] = /^(.+?)-\d+-/.exec(field.name) ?? [];
    if (!row) return field.name;
    const key = (form.elements[`${row}_id`] ?? form.elements[`${row}_pk`])?.value ?? newRowOf(field);
    return key ? `${kind} ${key} ${field.name.slice(row.length)}` : field.name;
  }
  function newRowOf(field) {
    const row = field.closest("[data-inline-row]");
    if (!row) return null;
    const rows = [...row.parentElement.children].filter((each) => !each.querySelector("[name$='-_pk']"));
    return `${NEW}${rows.indexOf(row)}`;
  }
  const rowOf = (place) => place.slice(0, Math.max(place.lastIndexOf(" "), 0));

  // What the form had shown is kept with what was typed into it: saving compares with that, and so
  // overwrites nothing that somebody else wrote meanwhile.
  const isCarried = (field) => field.type === "hidden" && /(^|-)_(version|opened)$/.test(field.name);

  // Never a password, a file or a hidden field.
  function keep() {
    const fields = inputs()
      .filter((field) => !["password", "file", "submit", "button"].includes(field.type))
      .filter((field) => isShownAgain || isTouched(field))
      .map((field) => [placeOf(field), field.value, isBox(field) ? field.checked : null]);
    const rows = new Set(fields.map(([place]) => rowOf(place)));
    const carried = [...form.elements]
      .filter(isCarried)
      .map((field) => [placeOf(field), field.value])
      .filter(([place]) => rows.has(rowOf(place)));
    // Asked for as an attribute: a field that is called `action` hides the form's own.
    const target = new URL(form.getAttribute("action") || location.href, location.href);
    remember({ path: target.pathname, who: whoIsIn(), fields, carried });
  }

  function remember(typed) {
    try {
      if (typed) sessionStorage.setItem(KEY, JSON.stringify(typed));
      else sessionStorage.removeItem(KEY);
    } catch {
      // A browser that keeps nothing: then nothing is put back.
    }
  }

  function recall() {
    try {
      return JSON.parse(sessionStorage.getItem(KEY));
    } catch {
      return null;
    }
  }

  const whoIsIn = () => document.querySelector(".who-name")?.textContent;

  function find(place, value, checked) {
    const found = inputs().filter((field) => placeOf(field) === place);
    return checked === null ? found[0] : found.find((field) => field.value === value);
  }

  // The new rows of an inline that the form had, and the page has not yet.
  function addRowsFor(place) {
    const [kind, row] = place.split(" ");
    if (!row?.startsWith(NEW)) return; // it is no new row, and is gone
    const inlines = [...document.querySelectorAll("[data-inline]")];
    const add = inlines.find((each) => each.dataset.inline === kind)?.querySelector("[data-inline-add]");
    const isThere = () => inputs().some((field) => rowOf(placeOf(field)) === rowOf(place));
    while (add && !add.hidden && !isThere()) add.click();
  }

  function putBack(fields, carried) {
    for (const [place, value, checked] of fields) {
      if (!find(place, value, checked)) addRowsFor(place);
      const field = find(place, value, checked);
      if (!field) continue;
      if (checked === null) field.value = value;
      else field.checked = checked;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    const hidden = [...form.elements].filter(isCarried);
    for (const [place, value] of carried ?? []) {
      const field = hidden.find((each) => placeOf(each) === place);
      if (field) field.value = value;
    }
  }

  const typed = recall();
  const isInside = document.querySelector(".frame") !== null;
  if (typed && document.querySelector("[data-signed-out]")) {
    remember({ ...typed, isLost: true });
  } else if (typed && isInside) {
    remember(null);
    const offer = document.querySelector("[data-put-back]");
    const isSame = form && typed.path === location.pathname && typed.who === whoIsIn();
    if (typed.isLost && isSame && offer && typed.fields.length) {
      offer.hidden = false;
      offer.querySelector("button").addEventListener("click", () => {
        putBack(typed.fields, typed.carried);
        offer.hidden = true;
        (find(...typed.fields[0]) ?? form).focus();
      });
    }
  }
})();
