/** Ways to give the page a folder, without its pickers. */

import type { CDPSession, Page } from 'puppeteer';

/** Drops a folder of this machine on the page, as the operating system would. */
export async function dropFolder(page: Page, folder: string): Promise<void> {
  const session: CDPSession = await page.createCDPSession();
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    const data = { items: [], files: [folder], dragOperationsMask: 1 };
    await session.send('Input.dispatchDragEvent', { type, x: 200, y: 250, data });
  }
  await session.detach();
}

/** Lets every picker give a folder of the browser's storage with these files. */
export async function standInForPicker(
  page: Page,
  name: string,
  files: ReadonlyMap<string, Buffer>,
): Promise<void> {
  const contents = Object.fromEntries([...files].map(([path, data]) => [path, data.toString('base64')]));
  await page.evaluate(
    async (folderName, base64) => {
      const root = await navigator.storage.getDirectory();
      const folder = await root.getDirectoryHandle(folderName, { create: true });
      for (const [path, data] of Object.entries(base64)) {
        const stream = await (await folder.getFileHandle(path, { create: true })).createWritable();
        await stream.write(Uint8Array.from(atob(data), (char) => char.charCodeAt(0)));
        await stream.close();
      }
      Object.assign(window, { showDirectoryPicker: async () => folder });
    },
    name,
    contents,
  );
}
