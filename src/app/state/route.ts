import { type ReadonlySignal, signal } from '@preact/signals';
import { INSPECT_CARDS, type InspectCard } from '../inspect/titles.ts';
import { lessonNumber } from '../learn/titles.ts';

/** Which screen is shown; it is in the address, so that a reload and the back button work. */
export type Route =
  | { readonly screen: 'start' }
  | { readonly screen: 'plan' }
  /** The recorded conversion. */
  | { readonly screen: 'demo' }
  | { readonly screen: 'job'; readonly id: string }
  /** How a job went. */
  | { readonly screen: 'replay'; readonly id: string }
  /** Another bitrate for a job that is done. */
  | { readonly screen: 'choose'; readonly id: string }
  | InspectRoute
  /** A card of the lessons, from 1. */
  | { readonly screen: 'learn'; readonly card: number };

/** A card of the lessons with what a job has kept of a linear, at one of its bitrates. */
export interface InspectRoute {
  readonly screen: 'inspect';
  readonly id: string;
  /** As `linearAddress` has it. */
  readonly linear: string;
  readonly bits: number;
  readonly card: InspectCard;
}

const INSPECT = /^#job=([^/]+)\/inspect=([^/]+)\/bits=(\d+(?:\.\d+)?)\/card=(\d)$/;

function parseInspect(hash: string): InspectRoute | undefined {
  const [, id, linear, bits, number] = INSPECT.exec(hash) ?? [];
  const card = INSPECT_CARDS.find((each) => each === Number(number));
  if (!id || !linear || !card) return undefined;
  return {
    screen: 'inspect',
    id: decodeURIComponent(id),
    linear: decodeURIComponent(linear),
    bits: Number(bits),
    card,
  };
}

export function parseRoute(hash: string): Route {
  const inspect = parseInspect(hash);
  if (inspect) return inspect;
  const [, screen, id] = /^#(plan|demo|job|choose|learn)(?:=(.+))?$/.exec(hash) ?? [];
  if (screen === 'learn') return { screen, card: lessonNumber(id) };
  if (screen === 'plan' || screen === 'demo') return { screen };
  const [, replayed] = screen === 'job' ? (/^([^/]+)\/replay$/.exec(id ?? '') ?? []) : [];
  if (replayed) return { screen: 'replay', id: decodeURIComponent(replayed) };
  if ((screen === 'job' || screen === 'choose') && id) return { screen, id: decodeURIComponent(id) };
  return { screen: 'start' };
}

export function formatRoute(route: Route): string {
  if (route.screen === 'start') return '#';
  if (route.screen === 'inspect') {
    const [id, linear] = [route.id, route.linear].map(encodeURIComponent);
    return `#job=${id}/inspect=${linear}/bits=${route.bits}/card=${route.card}`;
  }
  if (route.screen === 'learn') return `#learn=${route.card}`;
  if (route.screen === 'replay') return `#job=${encodeURIComponent(route.id)}/replay`;
  return 'id' in route ? `#${route.screen}=${encodeURIComponent(route.id)}` : `#${route.screen}`;
}

const current = signal<Route>(parseRoute(globalThis.location?.hash ?? ''));

export const route: ReadonlySignal<Route> = current;

export function go(to: Route): void {
  const hash = formatRoute(to);
  if (hash !== (location.hash || '#')) history.pushState(null, '', hash);
  current.value = to;
  scrollTo(0, 0);
}

/** Follows the address; returns the undoing. */
export function followAddress(): () => void {
  const read = () => {
    current.value = parseRoute(location.hash);
  };
  addEventListener('popstate', read);
  addEventListener('hashchange', read);
  return () => {
    removeEventListener('popstate', read);
    removeEventListener('hashchange', read);
  };
}
