import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';

interface HeatMapProps {
  /** What is to be seen, for those who can't see it. */
  readonly title: string;
  /** Cells in a row. */
  readonly width: number;
  /** Row after row. */
  readonly values: ArrayLike<number>;
  /** What has the full colour; beyond it nothing gets stronger. */
  readonly limit: number;
  /** Loud values do not drown the others: colour goes by the root. */
  readonly root?: boolean;
}

type Colour = readonly [number, number, number];

/** Colours of the page as canvases need them; read anew when the system changes between light and dark. */
const palette = signal(readPalette());
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  palette.value = readPalette();
});

function readPalette(): Readonly<Record<'below' | 'zero' | 'above', Colour>> {
  const style = getComputedStyle(document.documentElement);
  const canvas = document.createElement('canvas');
  canvas.width = 1;
  canvas.height = 1;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const colour = (token: string): Colour => {
    if (!context) return [128, 128, 128];
    context.fillStyle = style.getPropertyValue(token);
    context.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data;
    return [red, green, blue];
  };
  return { below: colour('--other'), zero: colour('--surface'), above: colour('--one') };
}

/** A matrix, a pixel for each cell: above zero in one colour, below it in the other. */
export function HeatMap({ title, width, values, limit, root = false }: HeatMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const colours = palette.value;
  const height = values.length / width;
  useLayoutEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const image = context.createImageData(width, height);
    for (let i = 0; i < values.length; i++) {
      const share = Math.min(1, Math.abs(values[i]!) / limit);
      const strength = root ? Math.sqrt(share) : share;
      const { zero, above, below } = colours;
      const end = values[i]! < 0 ? below : above;
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = zero[c]! + strength * (end[c]! - zero[c]!);
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }, [values, width, height, limit, root, colours]);
  return <canvas ref={canvas} class="heat-map" width={width} height={height} role="img" aria-label={title} />;
}
