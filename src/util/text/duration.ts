/** A duration for people: `0.42 s`, `12.3 s`, `3:07`, `1:02:03`. */
export function formatDuration(seconds: number): string {
  if (seconds < 1) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const twoDigits = (value: number) => String(value % 60).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${twoDigits(whole)}`
    : `${Math.floor(minutes / 60)}:${twoDigits(minutes)}:${twoDigits(whole)}`;
}
