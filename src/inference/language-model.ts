import { padColumns } from '../exl2/packed-linear.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { Scope, withScope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { runModule } from '../model/forward.ts';
import { loadEmbeddings, loadPositions, spread } from '../model/gpu/embedding.ts';
import type { AnyLinear } from '../model/gpu/linear.ts';
import { finishLogits, GpuOps, type ModuleWeights, normalize, project } from '../model/gpu/ops.ts';
import { routeTokens } from '../model/gpu/routing.ts';
import type { NormWeight } from '../model/gpu/weights.ts';
import type { ModuleSpec } from '../model/spec.ts';
import { holdHead, holdModules, type Weights } from '../runnable/hold-weights.ts';
import { loadFinalNorm } from '../runnable/load.ts';
import type { Residence } from '../runnable/residence.ts';
import type { RunnableModel } from '../runnable/runnable-model.ts';
import { KvCache } from './kv-cache.ts';

/** Tokens of a prompt that are run at a time. */
const PROMPT_PIECE = 512;

/** Called before each module that is loaded, or run; throws to stop. */
export type OnModule = (done: number, total: number) => void;

/** The final norm and the head, in slices of the vocabulary. */
interface HeldHead {
  readonly norm: NormWeight;
  readonly slices: readonly Weights<AnyLinear>[];
}

/** A module with its weights. */
interface HeldModule {
  readonly module: ModuleSpec;
  readonly weights: Weights<ModuleWeights>;
}

/** A model for generating text. */
export class LanguageModel {
  readonly model: RunnableModel;
  readonly residence: Residence;
  readonly #gpu: Gpu;
  readonly #scope: Scope;
  readonly #blocks: readonly HeldModule[];
  readonly #head: HeldHead;

  private constructor(
    gpu: Gpu,
    scope: Scope,
    model: RunnableModel,
    residence: Residence,
    blocks: HeldModule[],
    head: HeldHead,
  ) {
    this.#gpu = gpu;
    this.#scope = scope;
    this.model = model;
    this.residence = residence;
    this.#blocks = blocks;
    this.#head = head;
  }

  /**
   * Loads what stays on the GPU: all weights, unless they are to be streamed. EXL2 weights stay packed, and cannot be
   * `stored`. Throws OutOfMemoryError when they do not fit.
   */
  static async load(
    gpu: Gpu,
    model: RunnableModel,
    onModule: OnModule = () => {},
    residence: Residence = 'ready',
  ): Promise<LanguageModel> {
    const scope = new Scope(gpu);
    const { modules } = model.outline;
    const total = modules.length + 1;
    try {
      const weights = await holdModules(gpu, scope, model, residence, (done) => onModule(done, total));
      const blocks = modules.map((module, i) => ({ module, weights: weights[i]! }));
      onModule(modules.length, total);
      const slices = await holdHead(gpu, scope, model, residence);
      const norm = await loadFinalNorm(scope, model);
      await gpu.sync();
      return new LanguageModel(gpu, scope, model, residence, blocks, { norm, slices });
    } catch (error) {
      scope.freeAll();
      throw error;
    }
  }

  /** A cache for a text of at most `capacity` tokens; its tensors belong to `scope`. */
  newCache(scope: Scope, capacity: number): KvCache {
    return new KvCache(this.#gpu, scope, this.model.outline, capacity);
  }

  /** Runs the next tokens of a text, at least one; gives the logits (vocabulary) of the token after them. */
  async next(ids: readonly number[], cache: KvCache, onModule?: OnModule): Promise<Float32Array> {
    const [logits] = await this.nextAll(ids, 1, cache, onModule);
    return logits!;
  }

  /** The same; gives those of the tokens after each of the last `wanted`. */
  async nextAll(
    ids: readonly number[],
    wanted: number,
    cache: KvCache,
    onModule: OnModule = () => {},
  ): Promise<Float32Array[]> {
    const all: Float32Array[] = [];
    for (let start = 0; start < ids.length; start += PROMPT_PIECE) {
      const piece = ids.slice(start, start + PROMPT_PIECE);
      const rest = ids.length - start - piece.length;
      const own = Math.max(0, Math.min(piece.length, wanted - rest));
      all.push(...(await this.#run(piece, own, cache, onModule)));
      if (rest > 0) await this.#gpu.sync();
    }
    return all;
  }

  free(): void {
    this.#scope.freeAll();
  }

  /** Logits of the last `wanted` of `ids`. */
  #run(ids: readonly number[], wanted: number, cache: KvCache, onModule: OnModule): Promise<Float32Array[]> {
    const { source, outline } = this.model;
    return withScope(this.#gpu, async (scope) => {
      const { hiddenSize } = outline.config;
      const tokens = Int32Array.from(ids);
      const vectors = await loadEmbeddings(this.#gpu, scope, source, outline, tokens);
      const at = await loadPositions(this.#gpu, scope, source, outline, cache.past, ids.length);
      let x = spread(this.#gpu, scope, vectors, tokens, at);
      let residual = x;
      const context = cache.context(ids.length);
      for (const [i, { module, weights: held }] of this.#blocks.entries()) {
        onModule(i, this.#blocks.length);
        residual = await withScope(this.#gpu, async (block) => {
          const weights = await held(block);
          const routing = await routeTokens(context, block, weights, module, x);
          const ops = new GpuOps(context, block, weights, routing);
          return scope.adopt(block.keep(runModule(ops, module, { x, residual })));
        });
        if (!module.keepsInput) x = residual;
      }
      cache.advance(ids.length);
      if (wanted === 0) return [];
      const last = scope.alloc([wanted, hiddenSize], 'last states');
      this.#gpu.copy({ ...residual, ...lastRows(residual, wanted) }, last);
      const { norm } = this.#head;
      return this.#logits(normalize(this.#gpu, scope, last, norm));
    });
  }

  /** Of each row of `normed`. */
  async #logits(normed: GpuTensor): Promise<Float32Array[]> {
    const { vocabSize } = this.model.outline.config;
    const logits = Array.from({ length: normed.shape[0]! }, () => new Float32Array(vocabSize));
    let start = 0;
    for (const held of this.#head.slices) {
      await withScope(this.#gpu, async (run) => {
        const slice = await held(run);
        const part = project({ gpu: this.#gpu, mixed: false }, run, normed, slice);
        finishLogits(this.#gpu, part, this.model.outline);
        const values = new Float32Array(await this.#gpu.read(part));
        const n = padColumns(slice.n);
        for (const [row, all] of logits.entries()) {
          const own = values.subarray(row * n, Math.min(row * n + vocabSize - start, (row + 1) * n));
          all.set(own, start);
        }
        start += n;
      });
    }
    return logits;
  }
}

/** Offset and size of the last rows: good enough to be copied, not to be bound. */
function lastRows({ offset, shape }: GpuTensor, count: number): Pick<GpuTensor, 'offset' | 'size'> {
  const [rows, width] = shape as [number, number];
  return { offset: offset + (rows - count) * width * 4, size: count * width * 4 };
}
