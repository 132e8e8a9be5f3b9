// What a page shows while it waits, when there is nothing, and when something went wrong.

import { h } from "../dom.js";

/** Empty frames where pieces will be. */
export function skeletons(count) {
  return Array.from({ length: count }, () =>
    h(
      "li",
      { class: "card", "aria-hidden": "true" },
      h("span", { class: "frame bone" }),
      h("div", { class: "bone text" }),
      h("div", { class: "bone text short" }),
    ),
  );
}

/** The shop did not answer as it should: what, and a way to try again. */
export function failure(error, retry, level = "h2") {
  const away = error.status === 0 || error.status >= 500;
  return h(
    "div",
    { class: "notice", role: "alert" },
    h(level, { tabindex: "-1" }, away ? "The shop is not answering just now" : "That did not work"),
    h("p", {}, error.message, away ? " Nothing is lost: please try again in a moment." : ""),
    error.request ? h("p", { class: "small" }, `Reference ${error.request}`) : null,
    h("div", { class: "actions" }, h("button", { class: "button strong", type: "button", onclick: retry }, "Try again")),
  );
}

/** Nothing fits the filters. */
export function nothing(clear) {
  return h(
    "div",
    { class: "notice" },
    h("h2", {}, "Nothing fits all of that"),
    h("p", {}, "Perhaps another metal, a wider price range, or pieces that can be made to order."),
    h("div", { class: "actions" }, h("button", { class: "button", type: "button", onclick: clear }, "Show the whole collection")),
  );
}
