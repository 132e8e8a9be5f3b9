// The shop is one page: a path without a file extension is a place inside it, not an object in the bucket.
// Runs on requests of the default behaviour only, so the API's own answers are never replaced.
function handler(event) {
  var request = event.request;
  var last = request.uri.substring(request.uri.lastIndexOf('/') + 1);
  if (request.uri.indexOf('/api/') !== 0 && last.indexOf('.') === -1) {
    request.uri = '/index.html';
  }
  return request;
}
