/** Coming back to a conversion after a reload, with folders that the browser keeps and with files that it forgets. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page, WebWorker } from 'puppeteer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dropFolder, standInForPicker } from '../support/page/folders.ts';
import { clickText, waitForQueued, waitForText } from '../support/page/screens.ts';
import { digests, type Served, serve, storedFiles } from '../support/page/served.ts';
import { eventually } from '../support/patience.ts';
import { tinyModel } from '../support/tiny-model.ts';

const OUTPUT = 'out/tiny-llama-4bpw-exl2';

let served: Served;
/** What a conversion without interruption makes: digests by name. */
let whole: Record<string, string>;

beforeAll(async () => {
  served = await serve();
  const errors = await served.withPage(async (page) => {
    await planToFolder(page);
    await clickText(page, 'Convert');
    await waitForText(page, 'They are in the folder out');
    whole = digests(await storedFiles(page, OUTPUT));
  });
  expect(errors).toEqual([]);
});
afterAll(() => served?.close());

/** Chooses the tiny model's folder, and one for the output. */
async function planToFolder(page: Page, output = 'out'): Promise<void> {
  await standInForPicker(page, 'tiny-llama', tinyModel());
  await clickText(page, 'Choose a model folder');
  await waitForText(page, 'of disk');
  await standInForPicker(page, output, new Map());
  await page.click('input[name=output]');
  await waitForText(page, `The folder ${output}`);
}

/** Reloads once the first module is measured. */
async function reloadInMidRun(page: Page): Promise<void> {
  await page.waitForSelector('.grid td.expected');
  await page.reload();
  await waitForText(page, 'was interrupted');
}

/** Whether what was finished before the reload is taken from there. */
async function showsFinishedEarlier(page: Page): Promise<void> {
  await clickText(page, 'Log');
  await waitForText(page, 'attention measured, finished earlier');
}

/** What the user answers when the browser asks for a folder; set in the page. */
interface Asking {
  answer: PermissionState;
  readonly asked: string[];
}

/**
 * Folders of the storage need no permission, and a browser without a head asks nobody: so these folders are locked
 * here, in page and coordinator, until the page asks for them and `asking.answer` is that they may be used.
 */
async function lockFolders(page: Page, ...folders: string[]): Promise<void> {
  await page.evaluate(() => {
    const asking: Asking = { answer: 'denied', asked: [] };
    Object.assign(window, { asking });
    const given = new BroadcastChannel('given');
    FileSystemHandle.prototype.requestPermission = async function ({ mode } = {}) {
      if (!navigator.userActivation.isActive) throw new DOMException('no click', 'SecurityError');
      asking.asked.push(`${this.name}: ${mode}`);
      if (asking.answer === 'granted') given.postMessage(this.name);
      return asking.answer;
    };
  });
  await coordinator(page).evaluate((names) => {
    const locked = new Set(names);
    new BroadcastChannel('given').onmessage = ({ data }) => locked.delete(data);
    FileSystemHandle.prototype.queryPermission = async function () {
      return locked.has(this.name) ? 'prompt' : 'granted';
    };
    const { getFileHandle } = FileSystemDirectoryHandle.prototype;
    FileSystemDirectoryHandle.prototype.getFileHandle = async function (name, options) {
      if (locked.has(this.name)) throw new DOMException('locked', 'NotAllowedError');
      return getFileHandle.call(this, name, options);
    };
  }, folders);
}

function coordinator(page: Page): WebWorker {
  const worker = page.workers().find((each) => each.url().includes('coordinator'));
  if (!worker) throw new Error('There is no coordinator');
  return worker;
}

const asked = (page: Page): Promise<string[]> =>
  page.evaluate(() => (window as unknown as { asking: Asking }).asking.asked.splice(0));

test('one click asks for the folders again; refused in words, given it goes on to the same bytes', async () => {
  const errors = await served.withPage(async (page) => {
    await planToFolder(page);
    await clickText(page, 'Convert');
    await reloadInMidRun(page);
    await waitForText(page, 'may ask for access to the folders again');
    await lockFolders(page, 'tiny-llama', 'out');

    await page.click('.notice button.primary');
    await waitForText(page, 'The folder is locked');
    await waitForText(page, 'did not allow the page to read the folder “tiny-llama”');
    await waitForText(page, 'allow it in the site’s settings');
    expect(await asked(page)).toEqual(['tiny-llama: read']);

    await page.evaluate(() => {
      (window as unknown as { asking: Asking }).asking.answer = 'granted';
    });
    await page.click('.notice button.primary');
    await waitForText(page, 'running');
    expect(await asked(page)).toEqual(['tiny-llama: read', 'out: readwrite']);
    await showsFinishedEarlier(page);
    await waitForText(page, 'They are in the folder out');
    expect(digests(await storedFiles(page, OUTPUT))).toEqual(whole);
  });
  expect(errors).toEqual([]);
});

test('a folder that is locked at its turn skips the job; a click asks for it, and the job goes on', async () => {
  const errors = await served.withPage(async (page) => {
    await planToFolder(page);
    await clickText(page, 'Convert');
    await waitForText(page, 'tiny-llama: Measure');
    await clickText(page, 'exl2-web');
    await planToFolder(page, 'later');
    await waitForText(page, 'Starts in about');
    await clickText(page, 'Add to queue');
    await waitForQueued(page, 'next');
    await lockFolders(page, 'later');
    await clickText(page, 'Cancel');
    await waitForText(page, 'folder locked');
    await page.click('.jobs li:has(.failed) a');
    await waitForText(page, 'Its turn was skipped');
    await waitForText(page, 'write to the folder “later”');
    expect(await asked(page)).toEqual([]);

    await page.evaluate(() => {
      (window as unknown as { asking: Asking }).asking.answer = 'granted';
    });
    await clickText(page, 'Go on');
    await waitForText(page, 'tiny-llama: Measure');
    expect(await asked(page)).toEqual(['later: readwrite']);
    await waitForText(page, 'They are in the folder later');
    expect(digests(await storedFiles(page, OUTPUT.replace('out', 'later')))).toEqual(whole);
  });
  expect(errors).toEqual([]);
});

/** Takes away, before the page loads, what Firefox and Safari lack. */
async function likeOthers(page: Page): Promise<void> {
  await page.evaluateOnNewDocument(() => {
    const lacking = [
      [window, 'showDirectoryPicker'],
      [DataTransferItem.prototype, 'getAsFileSystemHandle'],
      [FileSystemHandle.prototype, 'queryPermission'],
      [FileSystemHandle.prototype, 'requestPermission'],
      [Navigator.prototype, 'wakeLock'],
    ] as const;
    for (const [owner, name] of lacking) Reflect.deleteProperty(owner, name);
  });
}

/** Clicks a button that opens the browser's own dialog, and chooses a folder in that. */
async function chooseFolder(page: Page, button: string, folder: string): Promise<void> {
  const [chooser] = await Promise.all([page.waitForFileChooser(), clickText(page, button)]);
  await chooser.accept([folder]);
}

test('without handles to folders: files are chosen, after a reload chosen again, and downloaded at the end', async () => {
  const folder = served.modelFolder('tiny-llama');
  const other = served.modelFolder('other', (files) => {
    const config = JSON.parse(String(files.get('config.json')));
    files.set('config.json', Buffer.from(JSON.stringify({ ...config, rms_norm_eps: 1e-5 })));
  });
  const downloads = mkdtempSync(join(tmpdir(), 'exl2-downloads-'));
  const errors = await served.withPage(async (page) => {
    await dropFolder(page, folder);
    await waitForText(page, 'LlamaForCausalLM');
    await page.goBack();
    await waitForText(page, 'None yet');

    await chooseFolder(page, 'Choose a model folder', folder);
    await waitForText(page, 'of disk');
    await waitForText(page, 'this browser cannot write to folders');
    await clickText(page, 'Convert');
    await reloadInMidRun(page);
    await waitForText(page, 'forgets which files were chosen');
    await chooseFolder(page, 'Choose the model’s folder again', other);
    await waitForText(page, 'does not hold the tiny-llama that the job began with');
    await chooseFolder(page, 'Choose the model’s folder again', folder);
    await showsFinishedEarlier(page);
    await waitForText(page, 'They are in this browser’s storage');

    const session = await page.createCDPSession();
    await session.send('Browser.setDownloadBehavior', {
      behavior: 'allow',
      downloadPath: downloads,
      browserContextId: page.browserContext().id!,
    });
    await clickText(page, 'Download all');
    await eventually(() =>
      expect(readdirSync(downloads).sort()).toEqual([...Object.keys(whole), 'report.html'].sort()),
    );
    expect(digests(filesOf(downloads))).toEqual(whole);
  }, likeOthers);
  expect(errors).toEqual([]);
  rmSync(downloads, { recursive: true });
});

const filesOf = (folder: string): Map<string, Buffer> =>
  new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
