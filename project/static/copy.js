"use strict";

/* Puts a copy button beside every [data-copy]. Without it the text can still be selected. */

const SHOWN_FOR = 1600; // milliseconds

function addCopyButton(source) {
  const text = source.textContent.trim();
  const name = source.getAttribute("aria-label") || text;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy: ${name}`);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      announce(button, "Copied");
    } catch {
      getSelection().selectAllChildren(source);
      announce(button, "Selected");
    }
  });
  source.after(button);
  source.parentElement.classList.add("has-copy");
}

function announce(button, word) {
  button.textContent = word;
  spoken.textContent = word;
  setTimeout(() => {
    button.textContent = "Copy";
    spoken.textContent = "";
  }, SHOWN_FOR);
}

const spoken = document.createElement("p");
spoken.className = "visually-hidden";
spoken.setAttribute("role", "status");
document.body.append(spoken);

// Only a page from a safe origin (https, localhost) may write to the clipboard.
document.querySelectorAll("[data-copy]").forEach(addCopyButton);
