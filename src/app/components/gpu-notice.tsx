import { useApp } from '../state/app-state.ts';
import { Notice } from './notice.tsx';
import { Term } from './term.tsx';

/** Says plainly when there is no GPU, or none that is quick. */
export function GpuNotice() {
  const gpu = useApp().gpu.value;
  if (gpu.state === 'failed') {
    return (
      <Notice kind="problem" title="This browser gives no access to a GPU">
        <p>{gpu.failure.message}</p>
        <p>
          WebGPU is in Chrome and Edge 113 or later (Linux: 147), Safari 26, and Firefox 141 on Windows, 147
          on Macs with Apple silicon. The page must come from <code>https://</code> or <code>localhost</code>.
        </p>
      </Notice>
    );
  }
  if (gpu.state === 'ready' && gpu.value.software) {
    return (
      <Notice kind="warning" title="No GPU: the CPU computes instead">
        <p>
          {gpu.value.name} is a <Term of="software adapter" />. The demo model works, within minutes; a model
          of 7 billion parameters would take weeks. Is hardware acceleration switched off in the browser’s
          settings?
        </p>
      </Notice>
    );
  }
  return null;
}
