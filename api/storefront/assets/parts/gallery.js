// A piece's pictures: one large, all of them small beside it.

import { h } from "../dom.js";

/** The gallery of these images; an empty frame when there are none. */
export function gallery(images) {
  const large = images[0] && picture(images[0], { fetchpriority: "high" });
  const shown = h("figure", { class: "shown" }, large);
  const thumbs = images.map((image, index) =>
    h(
      "button",
      {
        type: "button",
        "aria-pressed": String(index === 0),
        "aria-label": `Show picture ${index + 1} of ${images.length}`,
        onclick: (event) => {
          for (const other of thumbs) other.setAttribute("aria-pressed", String(other === event.currentTarget));
          shown.replaceChildren(picture(image));
        },
      },
      picture({ ...image, alt: "" }),
    ),
  );
  return h("div", { class: "gallery" }, shown, images.length > 1 ? h("div", { class: "thumbs" }, thumbs) : null);
}

function picture({ url, alt, width, height }, more = {}) {
  return h("img", { src: url, alt, width, height, ...more });
}
