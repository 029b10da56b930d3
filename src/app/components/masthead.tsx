import { formatFlops } from '../format.ts';
import { useApp } from '../state/app-state.ts';
import { formatRoute } from '../state/route.ts';

/** The page's name, and what it computes on. */
export function Masthead() {
  return (
    <header class="masthead">
      <a class="wordmark" href={formatRoute({ screen: 'start' })}>
        exl2-web
      </a>
      <a class="how-link" href={formatRoute({ screen: 'learn', card: 1 })}>
        How it works
      </a>
      <GpuLine />
    </header>
  );
}

function GpuLine() {
  const { gpu: found, lost } = useApp();
  const gpu = found.value;
  // Nobody looks for it any more.
  if (gpu.state === 'loading' && lost.value) return null;
  if (gpu.state === 'loading') return <p class="gpu-line">looking for the GPU…</p>;
  if (gpu.state !== 'ready') return <p class="gpu-line">no usable GPU</p>;
  const { name, software, flopsPerSecond } = gpu.value;
  return (
    <p class="gpu-line">
      {software ? `${name}, on the CPU` : name} <span class="number">{formatFlops(flopsPerSecond)}</span>
    </p>
  );
}
