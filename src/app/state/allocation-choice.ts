import { batch, computed, effect, signal } from '@preact/signals';
import type { CoordinatorApi } from '../../../workers/api/coordinator.ts';
import type {
  AllocationRequest,
  JobRecord,
  MeasuredModule,
  PlannedAllocation,
} from '../../../workers/api/jobs.ts';
import type { AllocationEvent } from '../../job/events.ts';
import { BITS_RANGE } from './draft.ts';
import { failureOf, type Loadable, latestOnly } from './loadable.ts';

/** One point of the curve of error against size. */
export interface CurvePoint {
  readonly bits: number;
  /** Of the output. */
  readonly bytes: number;
  readonly error: number;
}

export interface Curve {
  readonly points: readonly CurvePoint[];
  /** Some points may be missing still. */
  readonly complete: boolean;
}

/** Bits per weight at which the curve is taken. */
const CURVE_BITS = Array.from({ length: 24 }, (_, i) => 2.25 + i * 0.25);

/** What the user chooses after measuring: target, pinned modules, and the bitrates to make. */
export class AllocationChoice {
  readonly record: JobRecord;
  readonly measurement = signal<Loadable<readonly MeasuredModule[]>>({ state: 'loading' });
  readonly bits;
  readonly pinned = signal<Readonly<Record<string, number>>>({});
  readonly allocation = signal<PlannedAllocation | undefined>(undefined);
  /** Why the target cannot be met. */
  readonly problem = signal<string | undefined>(undefined);
  readonly curve = signal<Curve>({ points: [], complete: false });
  /** Bitrates that were put aside to be made together with the one under choice. */
  readonly queue = signal<readonly AllocationRequest[]>([]);
  readonly request = computed<AllocationRequest>(() => ({
    bits: this.bits.value,
    pinned: this.pinned.value,
  }));

  readonly #api: CoordinatorApi;
  readonly #stop: () => void;

  constructor(api: CoordinatorApi, record: JobRecord) {
    this.#api = api;
    this.record = record;
    this.bits = signal(record.options.bits[0] ?? 4);
    const update = latestOnly((request: AllocationRequest) => this.#allocate(request));
    this.#stop = effect(() => void update(this.request.value));
    void this.#load();
  }

  close(): void {
    this.#stop();
  }

  setBits(bits: number): void {
    const rounded = Math.round(Math.min(BITS_RANGE.max, Math.max(BITS_RANGE.min, bits)) * 100) / 100;
    this.bits.value = rounded;
  }

  pin(key: string, candidate: number): void {
    this.pinned.value = { ...this.pinned.value, [key]: candidate };
  }

  unpin(key: string): void {
    const { [key]: _, ...others } = this.pinned.value;
    this.pinned.value = others;
  }

  /** Puts the choice under the slider aside, to make it together with the next one. */
  keep(): void {
    this.queue.value = [...this.queue.value, this.request.peek()];
  }

  drop(index: number): void {
    this.queue.value = this.queue.value.toSpliced(index, 1);
  }

  /** Everything that would be made now: what was put aside, and the choice under the slider. */
  requests(): AllocationRequest[] {
    const present = this.request.value;
    const others = this.queue.value.filter((kept) => JSON.stringify(kept) !== JSON.stringify(present));
    return [...others, present];
  }

  async #load(): Promise<void> {
    try {
      this.measurement.value = { state: 'ready', value: await this.#api.measurement(this.record.id) };
    } catch (error) {
      this.measurement.value = { state: 'failed', failure: failureOf(error) };
    }
  }

  async #allocate(request: AllocationRequest): Promise<void> {
    try {
      const allocation = await this.#api.allocate(this.record.id, request);
      batch(() => {
        this.allocation.value = allocation;
        this.problem.value = undefined;
      });
    } catch (error) {
      this.problem.value = failureOf(error).message;
    }
    await this.#drawCurve(request);
  }

  /** Takes the missing points of the curve, until there is another request. */
  async #drawCurve({ bits, pinned }: AllocationRequest): Promise<void> {
    if (this.#curveOf !== pinned) {
      this.#curveOf = pinned;
      this.#points.clear();
    }
    for (const target of CURVE_BITS) {
      const moved = this.pinned.peek() !== pinned || this.bits.peek() !== bits;
      if (moved) return;
      if (this.#points.has(target)) continue;
      // Below the least that the candidates allow there is no point.
      const allocation = await this.#api
        .allocate(this.record.id, { bits: target, pinned })
        .catch(() => undefined);
      this.#points.set(target, allocation && pointOf(target, allocation));
      this.#showCurve();
    }
  }

  /** A complete curve stays until the next one, with other pins, is complete too. */
  #showCurve(): void {
    const complete = this.#points.size === CURVE_BITS.length;
    if (!complete && this.curve.peek().complete) return;
    this.curve.value = {
      points: [...this.#points.values()].filter((point) => point !== undefined),
      complete,
    };
  }

  #curveOf: AllocationRequest['pinned'] | undefined;
  readonly #points = new Map<number, CurvePoint | undefined>();
}

export const pointOf = (bits: number, { outputBytes, modules }: PlannedAllocation): CurvePoint => ({
  bits,
  bytes: outputBytes,
  error: totalError(modules),
});

/** Σ of the modules' errors. */
export const totalError = (modules: AllocationEvent['modules']): number =>
  modules.reduce((sum, { error }) => sum + error, 0);

/**
 * The bend of a falling curve: the point farthest below the line from its first to its last one. Undefined where
 * there are too few points to have a bend.
 */
export function elbow(points: readonly CurvePoint[]): CurvePoint | undefined {
  const sorted = [...points].sort((a, b) => a.bytes - b.bytes);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (!first || !last || sorted.length < 5) return undefined;
  const below = ({ bytes, error }: CurvePoint) =>
    1 -
    (bytes - first.bytes) / (last.bytes - first.bytes) -
    (error - last.error) / (first.error - last.error);
  return sorted.reduce((best, point) => (below(point) > below(best) ? point : best));
}
