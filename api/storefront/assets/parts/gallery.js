// A piece's pictures: one large, all of them small beside it.

import { h, sizes } from "../dom.js";

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
      picture({ ...image, alt: "" }, { sizes: "6rem" }),
    ),
  );
  return h("div", { class: "gallery" }, shown, images.length > 1 ? h("div", { class: "thumbs" }, thumbs) : null);
}

function picture(image, more = {}) {
  const { url, alt, width, height } = image;
  return h("img", { src: url, srcset: sizes(image), sizes: "(min-width: 60rem) 50vw, 100vw", alt, width, height, ...more });
}
