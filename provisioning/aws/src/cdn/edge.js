const MAINTENANCE = null;
// The line above is the shop's state, not its code: null, or { "pass": text, "retryAfter": seconds }.
//
// Runs at the edge on requests and answers of pages and of the API. CloudFront's error pages could do some of it, but
// they hold for the whole distribution and would replace the API's own answers.

const CLOSED_PAGE = '/maintenance.html';
const PASS_COOKIE = 'jewel-pass';
// What is the same for everyone: the only part of the API that is kept at the edge.
const CATALOGUE = /^\/api\/v1\/(products|categories)(\/|$)/;
const POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self' https://*.amazonaws.com https://*.amazoncognito.com",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

function handler(event) {
  const closed = MAINTENANCE !== null && !mayPass(event.request);
  return event.context.eventType === 'viewer-response' ? answer(event, closed) : ask(event.request, closed);
}

function mayPass(request) {
  const cookie = request.cookies && request.cookies[PASS_COOKIE];
  return Boolean(cookie) && cookie.value === MAINTENANCE.pass;
}

function ask(request, closed) {
  if (request.uri.indexOf('/api/') === 0) {
    if (closed) return refusal();
    if (CATALOGUE.test(request.uri)) fold(request);
    return request;
  }
  if (closed) {
    const given = request.querystring[PASS_COOKIE];
    if (given && given.value === MAINTENANCE.pass) return admission(given.value);
    request.uri = CLOSED_PAGE;
    return request;
  }
  // The shop is one page: a path without a file extension is a place inside it, not an object in the bucket.
  const last = request.uri.substring(request.uri.lastIndexOf('/') + 1);
  if (last.indexOf('.') === -1) request.uri = '/index.html';
  return request;
}

// The query becomes the last part of the path, in order and in hexadecimal digits; the API unfolds it. Every cache
// policy that keeps queries apart, and that the Free plan allows, also sends the shop's host name to the API's gateway,
// which knows itself by another and refuses.
function fold(request) {
  const pairs = [];
  Object.keys(request.querystring).sort().forEach(function (name) {
    const given = request.querystring[name];
    (given.multiValue || [given]).forEach(function (one) {
      pairs.push(one.value === '' ? plain(name) : plain(name) + '=' + plain(one.value));
    });
  });
  request.querystring = {};
  if (pairs.length === 0) return;
  const digits = pairs.join('&').split('').map(function (letter) {
    return ('0' + letter.charCodeAt(0).toString(16)).slice(-2);
  });
  request.uri = request.uri.replace(/\/$/, '') + '/~' + digits.join('');
}

// One way to write what can be written in several.
function plain(text) {
  try {
    return encodeURIComponent(decodeURIComponent(text.replace(/\+/g, ' ')));
  } catch (_) {
    return encodeURIComponent(text);
  }
}

// Whoever was given the link keeps the pass for as long as the browser is open.
function admission(pass) {
  const cookies = {};
  cookies[PASS_COOKIE] = { value: pass, attributes: 'Path=/; Secure; HttpOnly; SameSite=Lax' };
  return {
    statusCode: 303,
    statusDescription: 'See Other',
    headers: { 'cache-control': { value: 'no-store' }, location: { value: '/' } },
    cookies: cookies,
  };
}

function refusal() {
  return {
    statusCode: 503,
    statusDescription: 'Service Unavailable',
    headers: {
      'cache-control': { value: 'no-store' },
      'content-type': { value: 'application/problem+json' },
      'retry-after': { value: String(MAINTENANCE.retryAfter) },
    },
    body: '{"type":"/problems/maintenance","title":"The shop is closed for maintenance","status":503}',
  };
}

function answer(event, closed) {
  const response = event.response;
  const type = response.headers['content-type'];
  if (type && type.value.indexOf('text/html') === 0 && !response.headers['content-security-policy']) {
    response.headers['content-security-policy'] = { value: POLICY };
  }
  if (closed) {
    response.statusCode = 503;
    response.statusDescription = 'Service Unavailable';
    response.headers['cache-control'] = { value: 'no-store' };
    response.headers['retry-after'] = { value: String(MAINTENANCE.retryAfter) };
  }
  return response;
}
