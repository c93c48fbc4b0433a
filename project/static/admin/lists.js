// Comforts of lists. Everything works without this file.
(() => {
  "use strict";

  // Where there is room, the filters stand open beside the table.
  const fold = document.querySelector(".filters-fold");
  const wide = matchMedia("(min-width: 72rem)");
  if (fold) {
    const unfold = () => {
      fold.open = wide.matches;
    };
    unfold();
    wide.addEventListener("change", unfold);
  }
})();
