// An address that leads nowhere.

import { h, replace, title } from "../dom.js";

/** Says so, and where to go instead. */
export function showMissing({ main }, { heading = "This page is not here", text = "The address may have changed, or the piece has found its owner." } = {}) {
  title(heading);
  replace(
    main,
    h(
      "div",
      { class: "notice wrap" },
      h("h1", { tabindex: "-1" }, heading),
      h("p", {}, text),
      h("div", { class: "actions" }, h("a", { class: "button strong", href: "/" }, "See the collection")),
    ),
  );
}
