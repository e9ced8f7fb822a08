/** Serves web/ and the golden cases to a browser, and waits for what its page has to say. */

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { golden, goldenNames, web } from './files.js';

const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** { url, result, close }: `result` is what the page posts to /result; `onProgress` hears what it posts meanwhile. */
export async function serve(onProgress = () => {}) {
  let settle;
  const result = new Promise((resolve) => (settle = resolve));
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    if (request.method === 'POST') {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const value = JSON.parse(Buffer.concat(chunks).toString());
      if (path === '/result') settle(value);
      else onProgress(value);
      response.end();
      return;
    }
    try {
      response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
      response.end(await content(path));
    } catch {
      response.statusCode = 404;
      response.end();
    }
  });
  await new Promise((resolve) => server.listen(0, 'localhost', resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://localhost:${server.address().port}`, result, close };
}

function content(path) {
  if (path === '/golden/') return JSON.stringify(goldenNames());
  if (path.startsWith('/golden/')) return golden(path.slice('/golden/'.length));
  return readFile(join(web, normalize(path)));
}
