/**
 * Lets the page open without a network from now on, where the browser can. In private windows and where storage is
 * refused it cannot, and vite's own server has no such script: then the page is as it was.
 */
export function keepForOffline(): void {
  // What the page needs at once goes first.
  addEventListener('load', () => {
    navigator.serviceWorker?.register('./service-worker.js').catch(() => {});
  });
}
