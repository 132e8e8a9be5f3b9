// One piece: its pictures, its variants, what they cost and whether they can be had.

import { product, products } from "../api.js";
import { announce, h, replace, title } from "../dom.js";
import { card } from "../parts/card.js";
import { begin, chooser } from "../parts/chooser.js";
import { gallery } from "../parts/gallery.js";
import { failure } from "../parts/states.js";
import { metal, money } from "../words.js";
import { showMissing } from "./missing.js";

/** At most this many left is worth saying. */
const FEW = 2;

/** Shows a piece, or that there is none. */
export async function showPiece(page, slug) {
  const { main, signal } = page;
  replace(main, waiting());
  let piece;
  try {
    piece = await product(slug, signal);
  } catch (error) {
    if (signal.aborted) return;
    if (error.status === 404) return showMissing(page, { heading: "This piece is not in the shop" });
    title("");
    return replace(main, h("div", { class: "wrap" }, failure(error, () => showPiece(page, slug), "h1")));
  }
  title(piece.name);
  const related = h("section", { class: "related wrap", "aria-label": "Related pieces" });
  replace(
    main,
    h(
      "article",
      { class: "wrap" },
      crumbs(piece),
      h("div", { class: "piece" }, gallery(piece.images), facts(piece, page.url)),
    ),
    related,
  );
  alsoLike(related, piece, signal);
}

function crumbs({ category, name }) {
  return h(
    "nav",
    { class: "crumbs", "aria-label": "You are here" },
    h(
      "ol",
      {},
      h("li", {}, h("a", { href: "/" }, "Collection")),
      h("li", {}, h("a", { href: `/?category=${category.slug}` }, category.name)),
      h("li", { "aria-current": "page" }, name),
    ),
  );
}

function facts(piece, url) {
  const wanted = { metal: url.searchParams.get("metal"), size: url.searchParams.get("size") };
  const price = h("p", { class: "price" });
  const choices = h("div", {});
  const availability = h("p", { class: "availability" });
  const ask = h("a", { class: "button strong" });
  const details = h("dl", { class: "details" });

  const show = (chosen) => {
    price.textContent = money(chosen.price);
    const focused = document.activeElement?.id;
    replace(choices, chooser(piece.variants, chosen, choose));
    document.getElementById(focused)?.focus({ preventScroll: true });
    const { state, text } = stock(chosen);
    availability.dataset.state = state;
    availability.textContent = text;
    ask.textContent = state === "out" ? "Have it made for you" : "Try it on by appointment";
    ask.href = mail(piece, chosen, state);
    replace(
      details,
      ...entry("Metal", metal(chosen.metal)),
      ...(chosen.stone ? entry("Stones", chosen.stone) : []),
      ...entry("Reference", chosen.sku),
      ...entry("Delivery", "Insured, two to four days"),
    );
    return text;
  };
  const choose = (chosen) => {
    const text = show(chosen);
    const here = new URL(location.href);
    here.searchParams.set("metal", chosen.metal);
    if (chosen.ring_size) here.searchParams.set("size", chosen.ring_size);
    history.replaceState(history.state, "", here);
    announce(`${money(chosen.price)}. ${text}`);
  };

  const chosen = begin(piece.variants, wanted);
  if (chosen) show(chosen);
  else price.textContent = money(piece.price_from);
  return h(
    "div",
    { class: "facts" },
    h("p", { class: "eyebrow" }, piece.category.name),
    h("h1", { tabindex: "-1" }, piece.name),
    price,
    h("p", { class: "description" }, piece.description),
    ...(chosen ? [choices, availability, ask, details] : []),
  );
}

function stock({ available, ring_size }) {
  if (available === 0) return { state: "out", text: ring_size ? `Sold out in size ${ring_size}` : "Sold out in this metal" };
  if (available <= FEW) return { state: "few", text: available === 1 ? "The last one" : `Only ${available} left` };
  return { state: "in", text: "In stock" };
}

function mail(piece, chosen, state) {
  const subject = `${state === "out" ? "To be made" : "To try on"}: ${piece.name} (${chosen.sku})`;
  return `mailto:atelier@maison-permata.example?subject=${encodeURIComponent(subject)}`;
}

function entry(name, value) {
  return [h("dt", {}, name), h("dd", {}, value)];
}

/** Others of the category. Nice to have: without an answer there is no such section. */
async function alsoLike(section, piece, signal) {
  try {
    const { items } = await products({ category: piece.category.slug, limit: 5 }, signal);
    const others = items.filter(({ slug }) => slug !== piece.slug).slice(0, 4);
    if (signal.aborted || others.length === 0) return section.remove();
    replace(
      section,
      h("h2", {}, `More ${piece.category.name.toLowerCase()}`),
      h("ul", { class: "grid" }, others.map((other) => card(other))),
    );
  } catch {
    section.remove();
  }
}

function waiting() {
  return h(
    "div",
    { class: "wrap", "aria-busy": "true" },
    h("p", { class: "hidden" }, "Loading"),
    h("div", { class: "crumbs" }, "\u00a0"),
    h(
      "div",
      { class: "piece" },
      h("div", { class: "gallery" }, h("div", { class: "thumbs" }), h("div", { class: "shown bone" })),
      h(
        "div",
        { class: "facts card" },
        h("div", { class: "bone text" }),
        h("div", { class: "bone text short" }),
        h("div", { class: "bone text" }),
        h("div", { class: "bone text" }),
      ),
    ),
  );
}
