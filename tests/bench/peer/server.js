// The catalogue's two busiest routes as somebody at home in Node would write them: prepared statements, a pool as large
// as jewel-api's, answers serialised by schema, an entity tag, the two reads of a detail at the same time.

import etag from "@fastify/etag";
import Fastify from "fastify";
import mysql from "mysql2/promise";
import { page, product } from "./schema.js";

const pool = mysql.createPool({
  host: "127.0.0.1",
  port: Number(process.env.PEER_DATABASE_PORT),
  user: process.env.PEER_DATABASE_USER,
  password: process.env.PEER_DATABASE_PASSWORD,
  database: process.env.PEER_DATABASE_NAME,
  connectionLimit: 10,
  timezone: "Z",
  // Microseconds do not fit into a Date.
  dateStrings: ["DATETIME"],
});

// The same statements as jewel-api's, for one request each.
const SHOWN = `
  SELECT p.id, p.slug, p.name, p.description, p.currency, p.price_from_minor, p.created_at,
    c.slug AS category_slug, c.name AS category_name,
    k.metals, COALESCE(k.in_stock, 0) AS in_stock, k.object_key, k.alt, k.width, k.height, k.sizes
  FROM categories c STRAIGHT_JOIN products p FORCE INDEX (products_category_newest) ON p.category_id = c.id
  LEFT JOIN cards k ON k.product_id = p.id
  WHERE p.status = 'active' AND c.slug = ?`;
const FIRST_PAGE = `${SHOWN} ORDER BY p.created_at DESC, p.id DESC LIMIT ?`;
const NEXT_PAGE = `${SHOWN} AND p.created_at <= ? AND (p.created_at < ? OR p.id < ?)
  ORDER BY p.created_at DESC, p.id DESC LIMIT ?`;
const PRODUCT = `
  SELECT p.id, p.slug, p.name, p.description, p.currency, p.price_from_minor,
    c.slug AS category_slug, c.name AS category_name
  FROM products p JOIN categories c ON c.id = p.category_id WHERE p.status = 'active' AND p.slug = ?`;
const IMAGES = `
  SELECT i.object_key, i.alt, i.width, i.height, i.sizes, i.frame_set_id IS NOT NULL AS is_frame
  FROM images i LEFT JOIN frame_sets f ON f.id = i.frame_set_id
  WHERE i.removed_at IS NULL AND (i.frame_set_id IS NULL OR f.state = 'complete') AND i.product_id = ?
  ORDER BY i.position, i.id`;
const VARIANTS = `
  SELECT v.id, v.sku, v.metal, v.stone, v.ring_size, v.price_minor,
    CAST(COALESCE(s.on_hand - s.reserved, 0) AS SIGNED) AS available
  FROM variants v LEFT JOIN inventory s ON s.variant_id = v.id
  WHERE v.status = 'active' AND v.product_id = ? ORDER BY v.position, v.id`;

const LIMIT = 24;
const app = Fastify({ logger: false });
await app.register(etag);

app.get("/livez", async () => ({ status: "ok" }));

app.get("/api/v1/products", { schema: { response: { 200: page } } }, async (request, reply) => {
  const { category, cursor } = request.query;
  const [rows] = cursor ? await nextPage(category, cursor) : await pool.execute(FIRST_PAGE, [category, `${LIMIT + 1}`]);
  const more = rows.length > LIMIT;
  const items = rows.slice(0, LIMIT).map(summary);
  reply.header("cache-control", "public, max-age=60");
  return { items, next_cursor: more ? encode(rows[LIMIT - 1]) : null };
});

app.get("/api/v1/products/:slug", { schema: { response: { 200: product } } }, async (request, reply) => {
  const [[row]] = await pool.execute(PRODUCT, [request.params.slug]);
  if (!row) return reply.code(404).send({ message: "not found" });
  const [[images], [variants]] = await Promise.all([
    pool.execute(IMAGES, [row.id]),
    pool.execute(VARIANTS, [row.id]),
  ]);
  reply.header("cache-control", "public, max-age=60");
  const pictures = images.filter((one) => !one.is_frame);
  const metals = [...new Set(variants.map((one) => one.metal))].sort().join(",");
  const in_stock = variants.some((one) => one.available > 0) ? 1 : 0;
  return {
    ...summary({ object_key: null, ...row, ...pictures[0], metals, in_stock }),
    images: pictures.map(image),
    frames: images.filter((one) => one.is_frame).map(image),
    variants: variants.map((one) => ({
      id: uuid(one.id),
      sku: one.sku,
      metal: one.metal,
      karat: karat(one.metal),
      stone: one.stone,
      ring_size: one.ring_size,
      price: { amount: one.price_minor, currency: row.currency },
      available: Math.max(one.available, 0),
    })),
  };
});

function nextPage(category, cursor) {
  const place = JSON.parse(Buffer.from(cursor, "base64url").toString());
  const seconds = new Date(Math.floor(place.created_at / 1000)).toISOString().slice(0, 19).replace("T", " ");
  const at = `${seconds}.${String(place.created_at % 1_000_000).padStart(6, "0")}`;
  const id = Buffer.from(place.id.replaceAll("-", ""), "hex");
  return pool.execute(NEXT_PAGE, [category, at, at, id, `${LIMIT + 1}`]);
}

function encode(row) {
  const [seconds, micros = "0"] = row.created_at.split(".");
  const created_at = Date.parse(`${seconds.replace(" ", "T")}Z`) * 1000 + Number(micros.padEnd(6, "0"));
  return Buffer.from(JSON.stringify({ by: "newest", created_at, id: uuid(row.id) })).toString("base64url");
}

function summary(row) {
  return {
    id: uuid(row.id),
    slug: row.slug,
    name: row.name,
    description: row.description,
    category: { slug: row.category_slug, name: row.category_name },
    price_from: { amount: row.price_from_minor, currency: row.currency },
    in_stock: row.in_stock === 1,
    image: row.object_key === null ? null : image(row),
    metals: row.metals ? row.metals.split(",") : [],
  };
}

function image(row) {
  const { alt, width, height } = row;
  const url = row.object_key.replace(/^media\//, "/media/");
  const kind = url.slice(url.lastIndexOf(".") + 1);
  const folder = url.slice(0, url.lastIndexOf("/"));
  const sizes = row.sizes
    ? JSON.parse(row.sizes).map((size) => ({ url: `${folder}/${size.width}.${kind}`, ...size }))
    : [{ url, width, height }];
  return { url, alt, width, height, sizes };
}

function karat(metal) {
  const found = /_(\d+)k$/.exec(metal);
  return found ? Number(found[1]) : null;
}

function uuid(bytes) {
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

await app.listen({ host: "127.0.0.1", port: Number(process.env.PEER_PORT) });
