/** Rejects at what nobody catches in the worker: a script that does not load, or memory that has run out. */
export const workerFailure = (worker: Worker): Promise<never> =>
  new Promise((_, reject) => {
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message || 'its script could not be loaded; reload the page'));
    };
  });

/** Ends a worker. What still listened to it would keep it for ever: Comlink holds a worker as long as its proxy lives. */
export function endWorker(worker: Worker): void {
  worker.terminate();
  worker.onerror = null;
}
