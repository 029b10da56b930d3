/**
 * Keeps the page, so that it opens without a network after the first visit; and the demo model, once it was asked for.
 * Nothing else is kept: folders and files of the user's never come here.
 *
 * The page itself is taken from the network where there is one, and names its scripts by their contents. So a visit
 * gets the newest version, while tabs of an older one have that one's scripts from here: a newer service worker, and
 * with it what it keeps, takes over when no tab is left that this one serves.
 */

import type { KeptFiles } from './api/kept-files.ts';

/** Put before this script when the page is built, so that it changes whenever a file does. */
declare const __KEPT__: KeptFiles;

const worker = self as unknown as ServiceWorkerGlobalScope;
const { scope } = worker.registration;
const { page, models } = __KEPT__;
// Other pages of the same host may share its caches.
const CACHES = { page: `${scope} page ${page.version}`, models: `${scope} models ${models.version}` };

const addressOf = (path: string): string => new URL(path, scope).href;
const pageFiles = new Set(Object.keys(page.files).map(addressOf));
const modelFiles = new Set(Object.keys(models.files).map(addressOf));

worker.addEventListener('install', (event) => event.waitUntil(keep(CACHES.page, page)));

worker.addEventListener('activate', (event) =>
  // A first visit is served at once, so that a model which it asks for is kept.
  event.waitUntil(forgetOthers().then(() => worker.clients.claim())),
);

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const address = new URL(request.url);
  address.search = '';
  address.hash = '';
  if (request.method !== 'GET') return;
  if (request.mode === 'navigate') {
    if (address.href === scope || address.href === addressOf('index.html'))
      event.respondWith(newest(request));
  } else if (modelFiles.has(address.href)) event.respondWith(keptModel(request));
  else if (pageFiles.has(address.href)) event.respondWith(kept(CACHES.page, request));
});

/** Of another version than this script's, as in the middle of an update of the server, no file is taken. */
async function keep(name: string, { files }: KeptFiles['page']): Promise<void> {
  const requests = Object.entries(files).map(
    ([path, integrity]) =>
      // What is named by its contents is as good from the browser's own cache.
      new Request(addressOf(path), { integrity, cache: path.startsWith('assets/') ? 'default' : 'no-cache' }),
  );
  await (await caches.open(name)).addAll(requests);
}

async function forgetOthers(): Promise<void> {
  const own = (await caches.keys()).filter((name) => name.startsWith(`${scope} `));
  const present: readonly string[] = Object.values(CACHES);
  await Promise.all(own.filter((name) => !present.includes(name)).map((name) => caches.delete(name)));
}

async function newest(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const page = await (await caches.open(CACHES.page)).match(scope);
    if (!page) throw error;
    return page;
  }
}

async function kept(name: string, request: Request): Promise<Response> {
  const found = await (await caches.open(name)).match(request, { ignoreSearch: true });
  return found ?? fetch(request);
}

let keepingModels: Promise<void> | undefined;

/** All of the models is kept as soon as anything of it is wanted; where that fails, as on a full disk, none is. */
async function keptModel(request: Request): Promise<Response> {
  const cache = await caches.open(CACHES.models);
  if (!(await cache.match(request, { ignoreSearch: true }))) {
    keepingModels ??= keep(CACHES.models, models).finally(() => {
      keepingModels = undefined;
    });
    await keepingModels.catch(() => {});
  }
  return kept(CACHES.models, request);
}
