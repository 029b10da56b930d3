/** A bar for each value, up or down. */
export function Bars({ title, values }: { title: string; values: ArrayLike<number> }) {
  const all = Array.from(values);
  const most = Math.max(1e-9, ...all.map(Math.abs));
  const signed = all.some((value) => value < 0);
  const zero = signed ? 30 : 60;
  const path = all
    .map((value, i) => `M${i + 0.5} ${zero}V${(zero - (value / most) * zero * 0.98).toFixed(2)}`)
    .join('');
  return (
    <svg
      class="bars"
      viewBox={`0 0 ${all.length} 60`}
      preserveAspectRatio="none"
      role="img"
      aria-label={title}
    >
      <path d={path} />
    </svg>
  );
}
