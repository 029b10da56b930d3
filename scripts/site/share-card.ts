import type { HtmlTagDescriptor, Plugin } from 'vite';

/** In public/. */
const PICTURE = { path: 'share-card.png', width: 1200, height: 630 };

/**
 * Tags by which others show a link to the page. Most of those who read them want whole addresses, which only whoever
 * puts the page somewhere knows: EXL2_SITE is the page's, as https://example.org/exl2/. Without it the picture's is
 * relative, which some understand.
 */
export function shareCard(): Plugin {
  const tags = Object.entries(shareProperties(process.env['EXL2_SITE'])).map(
    ([property, content]): HtmlTagDescriptor => ({
      tag: 'meta',
      attrs: { property, content },
      injectTo: 'head',
    }),
  );
  return { name: 'exl2-share-card', apply: 'build', transformIndexHtml: () => tags };
}

/** What depends on the address `site` of the page. Throws Error when it is none. */
export function shareProperties(site: string | undefined): Record<string, string> {
  const base = site ? siteAddress(site) : undefined;
  return {
    ...(base && { 'og:url': base.href }),
    'og:image': base ? new URL(PICTURE.path, base).href : `./${PICTURE.path}`,
    'og:image:type': 'image/png',
    'og:image:width': `${PICTURE.width}`,
    'og:image:height': `${PICTURE.height}`,
  };
}

function siteAddress(text: string): URL {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new Error(
      `EXL2_SITE is "${text}": it must be the page's whole address, as https://example.org/exl2/.`,
    );
  }
  return new URL(text.endsWith('/') ? text : `${text}/`);
}
