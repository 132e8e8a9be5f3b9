// The collection: hero, filters, grid, and more of it on demand.

import { categories, products } from "../api.js";
import { announce, h, replace, title } from "../dom.js";
import { card } from "../parts/card.js";
import * as filtering from "../parts/filters.js";
import { failure, nothing, skeletons } from "../parts/states.js";
import { pieces } from "../words.js";
import { hero } from "../parts/hero.js";

const PAGE = 24;

// What was shown under an address: coming back to it shows the same pieces at the same place at once.
const seen = new Map();

/** Shows the collection under the filters of the address. */
export async function showShop({ main, url, signal, navigate }) {
  const filters = filtering.read(url);
  const key = filtering.address(filters);
  const plain = key === "/";
  const grid = h("ul", { class: "grid", "aria-busy": "true" });
  const more = h("div", { class: "more" });
  const head = h("div", { class: "collection-head" });
  const top = plain ? hero() : null;
  const change = async (next) => {
    const from = document.activeElement?.id;
    await navigate(filtering.address(next), { keepPlace: true });
    // The bar was made anew; the reader should still be where they were.
    (document.getElementById(from) ?? document.getElementById("filter-metal"))?.focus({ preventScroll: true });
  };
  const clear = () => navigate("/");
  const collection = h(
    "section",
    { id: "collection", class: "collection wrap", "aria-label": "Collection" },
    head,
    filtering.bar(filters, change),
    grid,
    more,
  );
  replace(main, top?.element, collection);
  heading(head, filters, plain, signal);

  const show = (list) => {
    grid.removeAttribute("aria-busy");
    replace(grid, list.items.map((piece, index) => card(piece, { eager: index < 4 })));
    top?.fill(list.items);
    foot(list);
  };
  const foot = (list) => {
    replace(more);
    if (list.items.length === 0) return replace(more, nothing(clear));
    const button = h("button", { class: "button", type: "button", onclick: () => next(list, button) }, "Show more");
    replace(
      more,
      h("p", { class: "small" }, list.next_cursor ? `${pieces(list.items.length)} so far` : `All ${pieces(list.items.length)}`),
      list.next_cursor ? button : null,
    );
  };
  const next = async (list, button) => {
    button.disabled = true;
    try {
      const page = await products({ ...filtering.query(filters), limit: PAGE, cursor: list.next_cursor }, signal);
      const first = grid.children.length;
      grid.append(...page.items.map((piece) => card(piece)));
      list.items.push(...page.items);
      list.next_cursor = page.next_cursor;
      foot(list);
      grid.children[first]?.querySelector("a").focus({ preventScroll: true });
      announce(`${pieces(page.items.length)} more`);
    } catch (error) {
      if (signal.aborted) return;
      replace(more, failure(error, () => next(list, button)));
    }
  };

  const known = seen.get(key);
  if (known) return show(known);
  replace(grid, skeletons(8));
  const load = async () => {
    try {
      const list = await products({ ...filtering.query(filters), limit: PAGE }, signal);
      seen.set(key, list);
      // Stock and prices move; after a minute the next visit asks again.
      setTimeout(() => seen.delete(key), 60_000);
      show(list);
      announce(list.items.length === 0 ? "No piece fits" : `${pieces(list.items.length)}${list.next_cursor ? ", more below" : ""}`);
    } catch (error) {
      if (signal.aborted) return;
      grid.removeAttribute("aria-busy");
      replace(grid);
      top?.fill([]);
      replace(
        more,
        failure(error, () => {
          replace(more);
          replace(grid, skeletons(8));
          load();
        }),
      );
    }
  };
  await load();
}

/** The heading: of the whole collection, of a category (fetched), or of a search. */
async function heading(head, filters, plain, signal) {
  const put = (name, text) => {
    title(plain ? "" : name);
    replace(head, h(plain ? "h2" : "h1", { tabindex: "-1" }, name), text ? h("p", {}, text) : null);
  };
  if (filters.q) return put(`“${filters.q}”`, "What we found in names and descriptions.");
  if (!filters.category) return put("The collection", plain ? "Newest first. Everything is made in our own workshop." : "");
  put(filters.category.replaceAll("-", " ").replace(/\b[a-z]/g, (letter) => letter.toUpperCase()), "");
  try {
    const category = (await categories()).find(({ slug }) => slug === filters.category);
    if (!signal.aborted && category) put(category.name, category.description);
  } catch {
    // The grid says what is wrong; the category's slug serves as its name.
  }
}
