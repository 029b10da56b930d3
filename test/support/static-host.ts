import { readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';

/** A host of static files as there are many: it knows a few types, and sends no headers but those given. */
export interface StaticHost {
  /** Address of the folder, with '/' at its end. */
  readonly url: string;
  /** Paths that were asked for, in their order. */
  readonly asked: string[];
  /** Bodies of what was posted, as browsers post reports. */
  readonly posted: string[];
  /** What is served from now on. */
  folder: string;
  /** Nothing answers at the address any more, open connections included. */
  close(): Promise<void>;
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html',
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
};

/** @param at path of the folder at the host, with '/' at both ends. @param headers of every answer. */
export async function hostFolder(
  folder: string,
  at = '/',
  headers: Readonly<Record<string, string>> = {},
): Promise<StaticHost> {
  const host = { folder, asked: [] as string[], posted: [] as string[] };
  const server = createServer(async (request, response) => {
    if (request.method === 'POST') {
      let body = '';
      for await (const part of request) body += part;
      host.posted.push(body);
      response.writeHead(204).end();
      return;
    }
    const path = decodeURIComponent(new URL(request.url ?? '', 'http://host').pathname);
    host.asked.push(path);
    const file = path.startsWith(at) ? fileAt(join(host.folder, path.slice(at.length))) : undefined;
    if (!file) response.writeHead(404, headers).end('Not found');
    else response.writeHead(200, { ...headers, 'content-type': typeOf(file) }).end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('The host has no address');
  return Object.assign(host, { url: `http://127.0.0.1:${address.port}${at}`, close: () => close(server) });
}

function fileAt(path: string): string | undefined {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory()) return fileAt(join(path, 'index.html'));
  return status?.isFile() ? path : undefined;
}

const typeOf = (file: string): string =>
  TYPES[file.slice(file.lastIndexOf('.') + 1)] ?? 'application/octet-stream';

function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  return closed;
}
