// What the answers look like: Fastify compiles serialisers of it, which are faster than JSON.stringify.

const text = { type: "string" };
const optional = { type: ["string", "null"] };
const whole = { type: "integer" };
const object = (properties) => ({ type: "object", properties });

const money = object({ amount: whole, currency: text });
const picture = { url: text, alt: text, width: whole, height: whole };

const summary = {
  id: text,
  slug: text,
  name: text,
  description: text,
  category: object({ slug: text, name: text }),
  price_from: money,
  in_stock: { type: "boolean" },
  image: { type: ["object", "null"], properties: picture },
  metals: { type: "array", items: text },
};

export const page = object({ items: { type: "array", items: object(summary) }, next_cursor: optional });

export const product = object({
  ...summary,
  images: { type: "array", items: object(picture) },
  variants: {
    type: "array",
    items: object({
      id: text,
      sku: text,
      metal: text,
      stone: optional,
      ring_size: optional,
      price: money,
      available: whole,
    }),
  },
});
