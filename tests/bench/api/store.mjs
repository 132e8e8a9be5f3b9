// A store for objects that answers late: what is put is counted and forgotten.

import { createServer } from "node:http";

const [port, latency] = process.argv.slice(2).map(Number);

createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    setTimeout(() => response.writeHead(200, { etag: '"stored"' }).end(), latency);
  });
}).listen(port, "127.0.0.1");
