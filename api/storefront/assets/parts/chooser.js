// Choosing a metal and a size. Pure: which variants there are goes in, what is chosen comes out.

import { h } from "../dom.js";
import { metal } from "../words.js";

/** The variant to begin with: the one asked for, else the first that is in stock, else the first. */
export function begin(variants, wanted) {
  const asked = variants.filter((variant) => variant.metal === wanted.metal);
  return (
    asked.find((variant) => variant.ring_size === wanted.size) ??
    asked.find((variant) => variant.available > 0) ??
    asked[0] ??
    variants.find((variant) => variant.available > 0) ??
    variants[0]
  );
}

/** The variant after another metal was chosen: the same size if there is one, in stock if possible. */
export function inMetal(variants, code, size) {
  const made = variants.filter((variant) => variant.metal === code);
  return (
    made.find((variant) => variant.ring_size === size && variant.available > 0) ??
    made.find((variant) => variant.available > 0) ??
    made.find((variant) => variant.ring_size === size) ??
    made[0]
  );
}

/** The groups of choices for the variant now chosen; `choose` gets another one. */
export function chooser(variants, chosen, choose) {
  const codes = [...new Set(variants.map((variant) => variant.metal))];
  const sizes = variants.filter((variant) => variant.metal === chosen.metal && variant.ring_size);
  return [
    group(
      "metal",
      ["Metal: ", metal(chosen.metal)],
      codes.map((code) => ({
        id: `metal-${code}`,
        face: [h("span", { class: "swatch", "data-metal": code, "aria-hidden": "true" }), metal(code)],
        checked: code === chosen.metal,
        gone: variants.every((variant) => variant.metal !== code || variant.available === 0),
        pick: () => choose(inMetal(variants, code, chosen.ring_size)),
      })),
    ),
    sizes.length > 0
      ? group(
          "size",
          ["Ring size: ", `${chosen.ring_size} (Singapore)`],
          sizes.map((variant) => ({
            id: `size-${variant.ring_size}`,
            face: [variant.ring_size],
            checked: variant.id === chosen.id,
            gone: variant.available === 0,
            pick: () => choose(variant),
          })),
        )
      : null,
  ];
}

function group(name, [label, value], options) {
  return h(
    "fieldset",
    { class: "choice" },
    h("legend", {}, label, h("span", {}, value)),
    h(
      "div",
      { class: "options" },
      options.map(({ id, face, checked, gone, pick }) =>
        h(
          "label",
          { class: gone ? "option gone" : "option" },
          h("input", { id, type: "radio", name, value: id, checked, onchange: pick }),
          h("span", { class: "face" }, face, gone ? h("span", { class: "hidden" }, ", sold out") : null),
        ),
      ),
    ),
  );
}
