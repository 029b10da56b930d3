import type { HtmlTagDescriptor, Plugin } from 'vite';

/**
 * What the page may load and do: nothing that is not its own. WebAssembly, which checksums and decompressors are, may
 * be compiled; text may not.
 */
const POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** As a server sends it, with what a page cannot say of itself; the workers' scripts have it from there too. */
export const POLICY_HEADERS = { 'content-security-policy': `${POLICY}; frame-ancestors 'none'` };

/** Puts the policy into built pages, since hosts of static files send none. Vite's own server needs inline scripts. */
export function contentSecurityPolicy(): Plugin {
  const tag: HtmlTagDescriptor = {
    tag: 'meta',
    attrs: { 'http-equiv': 'content-security-policy', content: POLICY },
    injectTo: 'head-prepend',
  };
  return { name: 'exl2-content-security-policy', apply: 'build', transformIndexHtml: () => [tag] };
}
