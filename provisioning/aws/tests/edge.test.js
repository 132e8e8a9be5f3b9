// The function at the edge, open and closed, run as CloudFront runs it: one global `handler`, no modules, no network.
const assert = require('node:assert');
const fs = require('node:fs');
const test = require('node:test');
const vm = require('node:vm');

const code = fs.readFileSync(process.env.EDGE_FUNCTION, 'utf8');

function load(state) {
  const sandbox = {};
  vm.createContext(sandbox);
  const source = code.replace(/^.*\n/, 'const MAINTENANCE = ' + JSON.stringify(state) + ';\n');
  vm.runInContext(source + ';globalThis.run = handler;', sandbox);
  // Through JSON, as values cross the border there.
  return (event) => JSON.parse(JSON.stringify(sandbox.run(JSON.parse(JSON.stringify(event)))));
}

const open = load(null);
const closed = load({ pass: 'let-me-in', retryAfter: 300 });

function asked(uri, querystring = {}, cookies = {}) {
  return { context: { eventType: 'viewer-request' }, request: { method: 'GET', uri, querystring, cookies, headers: {} } };
}

function answered(type, cookies = {}) {
  const response = { statusCode: 200, statusDescription: 'OK', headers: { 'content-type': { value: type } }, cookies: {} };
  return { ...asked('/', {}, cookies), context: { eventType: 'viewer-response' }, response };
}

test('places of the shop are its one page, files and the API are themselves', () => {
  assert.equal(open(asked('/')).uri, '/index.html');
  assert.equal(open(asked('/product/ring')).uri, '/index.html');
  assert.equal(open(asked('/assets/main.js')).uri, '/assets/main.js');
  assert.equal(open(asked('/api/v1/admin/products')).uri, '/api/v1/admin/products');
});

test('the query of the catalogue becomes a part of its path, whatever its order', () => {
  const one = open(asked('/api/v1/products', { sort: { value: 'name' }, limit: { value: '9' }, q: { value: 'rose%20gold' } }));
  const other = open(asked('/api/v1/products/', { q: { value: 'rose%20gold' }, limit: { value: '9' }, sort: { value: 'name' } }));
  assert.deepEqual(one, other);
  assert.deepEqual(one.querystring, {});
  const [path, digits] = one.uri.split('/~');
  assert.equal(path, '/api/v1/products');
  assert.equal(Buffer.from(digits, 'hex').toString(), 'limit=9&q=rose%20gold&sort=name');
});

test('a name that comes twice keeps both values, and no query leaves the path as it is', () => {
  const twice = open(asked('/api/v1/products', { a: { value: '1', multiValue: [{ value: '1' }, { value: '2' }] }, b: { value: '' } }));
  assert.equal(Buffer.from(twice.uri.split('/~')[1], 'hex').toString(), 'a=1&a=2&b');
  assert.equal(open(asked('/api/v1/categories')).uri, '/api/v1/categories');
});

test('one query that is written in several ways is one', () => {
  const ways = ['rose%20gold', 'rose+gold', 'rose gold', '%72ose%20gold'].map((value) => open(asked('/api/v1/products', { q: { value } })).uri);
  assert.deepEqual(new Set(ways).size, 1);
  assert.equal(Buffer.from(ways[0].split('/~')[1], 'hex').toString(), 'q=rose%20gold');
  const broken = open(asked('/api/v1/products', { q: { value: '100%' } })).uri;
  assert.equal(Buffer.from(broken.split('/~')[1], 'hex').toString(), 'q=100%25');
});

test('queries of everything else stay queries', () => {
  const search = asked('/api/v1/admin/products', { q: { value: 'x' } });
  assert.deepEqual(open(search), search.request);
});

test('pages get a policy, and keep one they have', () => {
  const page = open(answered('text/html; charset=utf-8'));
  assert.match(page.headers['content-security-policy'].value, /script-src 'self'/);
  assert.equal(page.statusCode, 200);
  const picture = open(answered('image/svg+xml'));
  assert.equal(picture.headers['content-security-policy'], undefined);
  const own = answered('text/html');
  own.response.headers['content-security-policy'] = { value: 'mine' };
  assert.equal(open(own).headers['content-security-policy'].value, 'mine');
});

test('a closed shop shows its page with 503 and refuses the API', () => {
  assert.equal(closed(asked('/product/ring')).uri, '/maintenance.html');
  assert.equal(closed(asked('/assets/main.js')).uri, '/maintenance.html');
  const page = closed(answered('text/html'));
  assert.equal(page.statusCode, 503);
  assert.equal(page.headers['retry-after'].value, '300');
  assert.equal(page.headers['cache-control'].value, 'no-store');
  const refusal = closed(asked('/api/v1/products'));
  assert.equal(refusal.statusCode, 503);
  assert.equal(refusal.headers['retry-after'].value, '300');
  assert.equal(JSON.parse(refusal.body).status, 503);
});

test('who has the pass walks through a closed shop, who has another does not', () => {
  const pass = { 'jewel-pass': { value: 'let-me-in' } };
  assert.equal(closed(asked('/product/ring', {}, pass)).uri, '/index.html');
  assert.equal(closed(asked('/api/v1/products', {}, pass)).uri, '/api/v1/products');
  assert.equal(closed(answered('text/html', pass)).statusCode, 200);
  assert.equal(closed(asked('/', {}, { 'jewel-pass': { value: 'x' } })).uri, '/maintenance.html');
});
