import type { FileEntry } from '../src/io/bytes.ts';
import { rangedDirectory, urlDirectory } from '../src/io/platform/url-directory.ts';
import { pageAddress } from './page-address.ts';

/** Put in by vite.config.ts. */
declare const __DEMO_MODEL__: { readonly name: string; readonly files: readonly FileEntry[] };

const { name, files } = __DEMO_MODEL__;
const address = pageAddress(`models/${name}/`);

/** The bundled model; each of its files is fetched once. */
export const demoModel = urlDirectory(name, address, files);

/** The same for who reads little of it. */
export const rangedDemoModel = rangedDirectory(name, address, files);
