// The filters: they live in the address, so that a filtered collection can be kept, shared and gone back to.

import { h } from "../dom.js";
import { metals } from "../words.js";

const PRICES = [
  ["", "Any price"],
  ["-100000", "Up to $1,000"],
  ["100000-300000", "$1,000 to $3,000"],
  ["300000-600000", "$3,000 to $6,000"],
  ["600000-", "$6,000 and more"],
];

const SORTS = [
  ["newest", "Newest first"],
  ["price_asc", "Price, low to high"],
  ["price_desc", "Price, high to low"],
  ["name", "Name, A to Z"],
];

/** Reads the filters from an address; what is not one of the choices counts as not chosen. */
export function read(url) {
  const value = (name, choices) => {
    const given = url.searchParams.get(name) ?? "";
    return choices.some(([code]) => code === given) ? given : "";
  };
  return {
    category: (url.searchParams.get("category") ?? "").replace(/[^a-z0-9-]/g, ""),
    q: (url.searchParams.get("q") ?? "").trim().slice(0, 100),
    metal: value("metal", metals),
    price: value("price", PRICES),
    in_stock: url.searchParams.get("in_stock") === "true" ? "true" : "",
    sort: value("sort", SORTS) || "newest",
  };
}

/** The address of these filters. */
export function address(filters) {
  const query = new URLSearchParams(
    Object.entries(filters).filter(([name, value]) => value && !(name === "sort" && value === "newest")),
  );
  return query.size ? `/?${query}` : "/";
}

/** The filters as the API takes them. */
export function query({ price, ...filters }) {
  const [min, max] = price ? price.split("-") : ["", ""];
  return { ...filters, min_price: min, max_price: max };
}

/** Whether anything narrows the collection down beyond its category and search. */
export function narrowed({ metal, price, in_stock }) {
  return Boolean(metal || price || in_stock);
}

/** The bar with all choices; `change` gets the new filters. */
export function bar(filters, change) {
  const choice = (name, label, choices) =>
    h(
      "div",
      { class: name === "sort" ? "field push" : "field" },
      h("label", { class: "hidden", for: `filter-${name}` }, label),
      h(
        "select",
        { id: `filter-${name}`, onchange: (event) => change({ ...filters, [name]: event.target.value }) },
        choices.map(([code, text]) => h("option", { value: code, selected: filters[name] === code }, text)),
      ),
    );
  return h(
    "form",
    { class: "filters", "aria-label": "Filters", onsubmit: (event) => event.preventDefault() },
    choice("metal", "Metal", [["", "Any metal"], ...metals]),
    choice("price", "Price", PRICES),
    h(
      "label",
      { class: "check" },
      h("input", {
        id: "filter-in_stock",
        type: "checkbox",
        checked: Boolean(filters.in_stock),
        onchange: (event) => change({ ...filters, in_stock: event.target.checked ? "true" : "" }),
      }),
      "In stock",
    ),
    narrowed(filters)
      ? h(
          "button",
          { id: "filter-clear", class: "clear", type: "button", onclick: () => change({ ...filters, metal: "", price: "", in_stock: "" }) },
          "Clear filters",
        )
      : null,
    choice("sort", "Sort", SORTS),
  );
}
