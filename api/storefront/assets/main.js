// The entry: which page belongs to an address, and going from one to the next without loading anew.

import { categories } from "./api.js";
import { h, replace } from "./dom.js";
import { showShop } from "./pages/shop.js";
import { showPiece } from "./pages/piece.js";
import { showMissing } from "./pages/missing.js";

const main = document.getElementById("main");
let current = new AbortController();
let shown = "";

/** Shows the page of the present address. `restore` is where the reader had scrolled to, when coming back. */
async function show({ restore = 0, focus = true } = {}) {
  current.abort();
  current = new AbortController();
  const { signal } = current;
  const url = new URL(location.href);
  shown = url.pathname + url.search;
  const piece = /^\/product\/([a-z0-9-]+)\/?$/.exec(url.pathname);
  markCategory(url);
  document.getElementById("search").value = url.searchParams.get("q") ?? "";
  const page = { main, url, signal, navigate };
  if (piece) {
    await showPiece(page, piece[1]);
  } else if (url.pathname === "/" || url.pathname === "/index.html") {
    await showShop(page);
  } else {
    showMissing(page);
  }
  if (signal.aborted) return;
  if (focus) main.querySelector("h1")?.focus({ preventScroll: true });
  window.scrollTo(0, restore);
}

/** Goes to an address of this shop. */
function navigate(address, { replace: instead = false, keepPlace = false } = {}) {
  const place = window.scrollY;
  rememberPlace();
  history[instead ? "replaceState" : "pushState"]({}, "", address);
  return show({ restore: keepPlace ? place : 0, focus: !keepPlace });
}

function rememberPlace() {
  history.replaceState({ ...history.state, place: window.scrollY }, "");
}

function markCategory(url) {
  const here = url.pathname === "/" ? (url.searchParams.get("category") ?? "") : null;
  for (const link of document.querySelectorAll("#categories a")) {
    if (link.dataset.slug === here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

async function fillCategories() {
  const list = document.getElementById("categories");
  const entry = (slug, name) => h("li", {}, h("a", { href: slug ? `/?category=${slug}` : "/", "data-slug": slug }, name));
  replace(list, entry("", "All jewellery"));
  try {
    for (const { slug, name } of await categories()) list.append(entry(slug, name));
  } catch {
    // The page itself says that the shop does not answer; a menu with one entry is enough here.
  }
  markCategory(new URL(location.href));
}

history.scrollRestoration = "manual";

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest("a[href]");
  if (!link || link.target || link.origin !== location.origin || link.hasAttribute("download")) return;
  if (link.hash && link.pathname === location.pathname && link.search === location.search) return;
  event.preventDefault();
  navigate(link.href);
});

document.querySelector("form.search").addEventListener("submit", (event) => {
  event.preventDefault();
  const q = new FormData(event.target).get("q").trim();
  navigate(q ? `/?${new URLSearchParams({ q })}` : "/");
});

window.addEventListener("popstate", (event) => {
  // A link to a place on this page makes this event as well; the browser goes there by itself.
  if (location.pathname + location.search !== shown) show({ restore: event.state?.place ?? 0 });
});
window.addEventListener("pagehide", rememberPlace);

fillCategories();
show({ restore: history.state?.place ?? 0, focus: false });
