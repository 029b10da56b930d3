/** The smallest module: its four letters and its version. */
const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/**
 * Why nothing can be converted where the page's server, or the browser, lets no WebAssembly run; undefined where it
 * does. The checksums of work files are computed in it, and so are decompressors of Parquet.
 */
export async function wasmRefused(): Promise<string | undefined> {
  try {
    await WebAssembly.compile(EMPTY_MODULE);
    return undefined;
  } catch (error) {
    return (
      'WebAssembly is not allowed here, and the checksums of work files need it. The server of this page forbids it ' +
      "if its Content-Security-Policy has a script-src without 'wasm-unsafe-eval': whoever runs it can add that. Or " +
      `the browser does, as some do in their strictest settings. (${(error as Error).message})`
    );
  }
}
