// The shop's data. One place knows addresses, time limits and what an error looks like.

const BASE = "/api/v1";
const PATIENCE_MS = 12_000;

/** What went wrong: `status` 0 when there was no answer at all. */
export class ShopError extends Error {
  constructor(status, detail, request) {
    super(detail);
    this.status = status;
    this.request = request;
  }
}

/** One page of pieces: `{ items, next_cursor }`. Filters that are empty are left out. */
export function products(filters, signal) {
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value !== undefined && value !== null && value !== ""));
  return get(`/products?${query}`, signal);
}

/** One piece with its pictures and variants. */
export function product(slug, signal) {
  return get(`/products/${encodeURIComponent(slug)}`, signal);
}

let shelves;

/** All categories; asked for once per visit. */
export function categories() {
  shelves ??= get("/categories").then(
    (answer) => (Array.isArray(answer) ? answer : answer.items),
    (error) => {
      shelves = undefined;
      throw error;
    },
  );
  return shelves;
}

async function get(path, signal) {
  const limit = AbortSignal.timeout(PATIENCE_MS);
  let answer;
  try {
    answer = await fetch(BASE + path, {
      headers: { accept: "application/json" },
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ShopError(0, navigator.onLine ? "The shop did not answer in time." : "You seem to be offline.");
  }
  const request = answer.headers.get("x-request-id");
  const type = answer.headers.get("content-type") ?? "";
  if (!answer.ok) {
    const problem = type.includes("problem+json") ? await answer.json().catch(() => ({})) : {};
    throw new ShopError(answer.status, problem.detail ?? problem.title ?? "The shop could not answer.", request);
  }
  if (!type.includes("json")) throw new ShopError(answer.status, "The shop answered with something else than data.", request);
  return answer.json();
}
