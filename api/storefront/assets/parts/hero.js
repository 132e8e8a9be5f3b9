// The opening of the shop: a few words, and the newest piece that can be had.

import { h } from "../dom.js";
import { money } from "../words.js";

/** The hero's element, and `fill` to give it its piece once the collection is there. */
export function hero() {
  let place = h("div", { class: "hero-piece" }, h("span", { class: "frame" }));
  const element = h(
    "section",
    { class: "hero", "aria-label": "Welcome" },
    h(
      "div",
      { class: "hero-row wrap" },
      h(
        "div",
        {},
        h("p", { class: "eyebrow" }, "Fine jewellery, Singapore"),
        h("h1", { tabindex: "-1" }, "Made slowly, to be worn for good"),
        h(
          "p",
          { class: "lead" },
          "Eighteen-karat gold, platinum and silver; stones we have looked at one by one. Five benches, no hurry.",
        ),
        h("a", { class: "button", href: "#collection" }, "See the collection"),
      ),
      place,
    ),
  );
  const fill = (items) => {
    const piece = items.find((item) => item.in_stock && item.image);
    if (!piece) return place.replaceChildren();
    const link = h(
      "a",
      { class: "hero-piece", href: `/product/${piece.slug}` },
      h(
        "span",
        { class: "frame" },
        h("img", { src: piece.image.url, alt: "", width: piece.image.width, height: piece.image.height, fetchpriority: "high" }),
      ),
      h("span", { class: "caption" }, h("span", {}, `New: ${piece.name}`), h("span", {}, `From ${money(piece.price_from)}`)),
    );
    place.replaceWith(link);
    place = link;
  };
  return { element, fill };
}
