// A piece in a list.

import { h, sizes } from "../dom.js";
import { metal, money } from "../words.js";

/** A list entry; the first few pictures of a page are `eager`. */
export function card(piece, { eager = false } = {}) {
  const { image } = piece;
  return h(
    "li",
    { class: "card" },
    h(
      "a",
      { href: `/product/${piece.slug}` },
      h(
        "span",
        { class: "frame" },
        image
          ? h("img", {
              src: image.url,
              srcset: sizes(image),
              sizes: "(min-width: 60rem) 25vw, 50vw",
              // The name follows as text; saying it twice would only be in the way.
              alt: image.alt.startsWith(`${piece.name}: `) ? image.alt.slice(piece.name.length + 2) : image.alt,
              width: image.width,
              height: image.height,
              loading: eager ? "eager" : "lazy",
              decoding: "async",
            })
          : null,
        piece.in_stock ? null : h("span", { class: "badge" }, "Sold out"),
      ),
      h("h3", {}, piece.name),
      h(
        "span",
        { class: "line" },
        h("span", { class: "price" }, "From ", money(piece.price_from)),
        h(
          "span",
          { class: "swatches" },
          h("span", { class: "hidden" }, `In ${piece.metals.map(metal).join(", ")}`),
          piece.metals.map((code) => h("span", { class: "swatch", "data-metal": code, title: metal(code), "aria-hidden": "true" })),
        ),
      ),
    ),
  );
}
