// Making elements. Text is always set as text, never parsed: what the shop's database holds cannot become markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes (`on…` are listeners; null, undefined and false leave one out) and children. */
export function h(name, attributes = {}, ...children) {
  const element = name === "svg" || name === "path" ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value") element.value = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The sizes of a picture, for `srcset`; nothing when it has one only. */
export function sizes(image) {
  return image.sizes?.length > 1 ? image.sizes.map(({ url, width }) => `${url} ${width}w`).join(", ") : null;
}

/** Puts these children in the place of all others. */
export function replace(element, ...children) {
  element.replaceChildren(...children.flat().filter(Boolean));
}

/** Says something to those who listen to the page. */
export function announce(text) {
  document.getElementById("announce").textContent = text;
}

/** The page's title, as tabs and histories show it. */
export function title(text) {
  document.title = text ? `${text} · Maison Permata` : "Maison Permata · Fine jewellery, Singapore";
}
