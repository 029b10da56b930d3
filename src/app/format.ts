/** Numbers for people: exact units, and as many digits as mean something. */

import { formatDecimalSize } from '../util/text/byte-size.ts';

/** Decimal units, three digits: `3.10 GB`, `820 MB`. */
export const formatBytes = formatDecimalSize;

/** Of a round number, without digits that say nothing: `5 MB`. */
export const formatRoundBytes = (bytes: number): string =>
  formatBytes(bytes).replace(/\.(\d*?)0+ /, (_, kept) => (kept ? `.${kept} ` : ' '));

/** A count in words' units: `6.82 M`, `7.24 B`. */
export function formatCount(count: number): string {
  return scaled(count, ['', 'K', 'M', 'B', 'T'], ' ').trimEnd();
}

/** A rate: `5.40 TFLOP/s`. */
export const formatFlops = (rate: number): string =>
  `${scaled(rate, ['', 'k', 'M', 'G', 'T', 'P'], ' ')}FLOP/s`;

function scaled(value: number, units: readonly string[], space: string): string {
  let power = 0;
  // 999.5 and more would show four digits.
  while (power < units.length - 1 && value / 1000 ** power >= 999.5) power++;
  const amount = value / 1000 ** power;
  const digits = power === 0 || amount >= 99.95 ? String(Math.round(amount)) : amount.toPrecision(3);
  return `${digits}${space}${units[power]}`;
}

/** Bits per weight without their unit: `4.02`. */
export const formatBits = (bits: number): string => bits.toFixed(2);

/** A share as a percentage of at least two digits, without its sign: `13.1`, `3.13`, `0.24`. */
export function formatPercent(share: number): string {
  const percent = share * 100;
  return percent >= 99.95 ? percent.toFixed(0) : percent.toFixed(percent >= 9.995 ? 1 : 2);
}

/** A KL divergence in nats, three digits: `0.233`, `0.00120`. */
export const formatDivergence = (nats: number): string => (nats < 1e-6 ? '0' : nats.toPrecision(3));

/** Tokens in a second: `45.1`, `120`. */
export const formatRate = (rate: number): string =>
  rate < 0.095 ? rate.toPrecision(2) : rate < 99.95 ? rate.toFixed(1) : rate.toFixed(0);

/** A duration that was measured: `0.12 s`, `14.2 s`. */
export const formatSeconds = (seconds: number): string => `${seconds.toFixed(seconds < 9.995 ? 2 : 1)} s`;

/** A duration before the work, of which nobody knows the seconds: `about 14 min`. */
export function formatRoughDuration(seconds: number): string {
  if (seconds < 55) return `about ${Math.max(5, Math.ceil(seconds / 5) * 5)} s`;
  if (seconds < 55 * 60) return `about ${Math.ceil(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `about ${oneDigit(seconds / 3600)} h`;
  return `about ${Math.ceil(seconds / 86400)} days`;
}

const oneDigit = (value: number): string => (value < 9.95 ? value.toFixed(1) : value.toFixed(0));

/** When something happened: `today 14:03`, `3 Nov 2026`. */
export function formatDate(milliseconds: number, now: number): string {
  const date = new Date(milliseconds);
  const sameDay = date.toDateString() === new Date(now).toDateString();
  if (sameDay) return `today ${date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })}`;
  return date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
}

/** Time left, always to the second: `0:07`, `3:07`, `1:02:03`. */
export function formatCountdown(seconds: number): string {
  const whole = Math.ceil(seconds);
  const twoDigits = (value: number) => String(value % 60).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60);
  return hours > 0 ? `${hours}:${twoDigits(minutes)}:${twoDigits(whole)}` : `${minutes}:${twoDigits(whole)}`;
}
