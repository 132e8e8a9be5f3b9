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

const SHOWN = `
  SELECT p.id, p.slug, p.name, p.description, p.currency, p.price_from_minor, p.created_at,
    c.slug AS category_slug, c.name AS category_name,
    (SELECT GROUP_CONCAT(DISTINCT v.metal ORDER BY v.metal SEPARATOR ',')
      FROM variants v WHERE v.product_id = p.id) AS metals,
    EXISTS (SELECT 1 FROM variants v JOIN inventory s ON s.variant_id = v.id
      WHERE v.product_id = p.id AND s.on_hand > s.reserved) AS in_stock,
    i.object_key, i.alt, i.width, i.height
  FROM (`;
const SHOWN_END = `) AS p
  JOIN categories c ON c.id = p.category_id
  LEFT JOIN images i ON i.product_id = p.id
    AND i.position = (SELECT MIN(f.position) FROM images f WHERE f.product_id = p.id)`;
const COLUMNS = `
  SELECT p.id, p.category_id, p.slug, p.name, p.description, p.currency, p.price_from_minor, p.created_at
  FROM products p WHERE p.status = 'active'`;

const DETAIL = `${SHOWN}${COLUMNS} AND p.slug = ?${SHOWN_END}`;
const FIRST_PAGE = `${SHOWN}${COLUMNS}
  AND p.category_id = (SELECT id FROM categories WHERE slug = ?)
  ORDER BY p.created_at DESC, p.id DESC LIMIT ?${SHOWN_END} ORDER BY p.created_at DESC, p.id DESC`;
const NEXT_PAGE = `${SHOWN}${COLUMNS}
  AND p.category_id = (SELECT id FROM categories WHERE slug = ?)
  AND p.created_at <= ? AND (p.created_at < ? OR p.id < ?)
  ORDER BY p.created_at DESC, p.id DESC LIMIT ?${SHOWN_END} ORDER BY p.created_at DESC, p.id DESC`;
const IMAGES = "SELECT object_key, alt, width, height FROM images WHERE product_id = ? ORDER BY position";
const VARIANTS = `
  SELECT v.id, v.sku, v.metal, v.stone, v.ring_size, v.price_minor,
    CAST(COALESCE(s.on_hand - s.reserved, 0) AS SIGNED) AS available
  FROM variants v LEFT JOIN inventory s ON s.variant_id = v.id
  WHERE v.product_id = ? ORDER BY v.position, v.id`;

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
  const [[row]] = await pool.execute(DETAIL, [request.params.slug]);
  if (!row) return reply.code(404).send({ message: "not found" });
  const [[images], [variants]] = await Promise.all([
    pool.execute(IMAGES, [row.id]),
    pool.execute(VARIANTS, [row.id]),
  ]);
  reply.header("cache-control", "public, max-age=60");
  return {
    ...summary(row),
    images: images.map(image),
    variants: variants.map((one) => ({
      id: uuid(one.id),
      sku: one.sku,
      metal: one.metal,
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
  return { url: row.object_key.replace(/^media\//, "/media/"), alt: row.alt, width: row.width, height: row.height };
}

function uuid(bytes) {
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

await app.listen({ host: "127.0.0.1", port: Number(process.env.PEER_PORT) });
