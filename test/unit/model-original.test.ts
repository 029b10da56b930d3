import { describe, expect, test } from 'vitest';
import { openModel } from '../../src/model/check/open-model.ts';
import { openRunnableModel } from '../../src/runnable/runnable-model.ts';
import type { HostTensor } from '../../src/tensor/dtype.ts';
import { InputError, UnsupportedError } from '../../src/util/errors.ts';
import { f16ToF32Array } from '../../src/util/half.ts';
import { outputConfig } from '../../src/write/output-config.ts';
import { type OddModel, oddModel, put, rename, safetensorsOf, zeros } from '../support/odd-models.ts';

const open = async (change?: (model: OddModel) => void, architecture?: string) =>
  openModel(await oddModel(change, architecture), {});

const HEAD = 'lm_head.weight';
const EMBEDDING = 'model.embed_tokens.weight';
const INDEX = 'model.safetensors.index.json';

/** Two shards with an index, changed by `change`. */
function sharded(
  model: OddModel,
  change: (shards: [HostTensor[], HostTensor[]], map: Record<string, string>) => void = () => {},
): void {
  const all = [...model.tensors.values()];
  const shards: [HostTensor[], HostTensor[]] = [all.slice(0, 10), all.slice(10)];
  const map: Record<string, string> = {};
  for (const [i, shard] of shards.entries()) for (const { name } of shard) map[name] = `${i + 1}.safetensors`;
  change(shards, map);
  model.tensors.clear();
  model.files[INDEX] = JSON.stringify({ weight_map: map });
  for (const [i, shard] of shards.entries()) model.files[`${i + 1}.safetensors`] = safetensorsOf(shard);
}

test('a model as it should be leads to no warning', async () => {
  expect((await open()).warnings).toEqual([]);
  expect((await open(undefined, 'llama_tied_bias')).warnings).toEqual([]);
});

describe('tied embeddings', () => {
  test('beside another head: that head is used, and the output says so', async () => {
    const { plan, warnings } = await open((model) => {
      model.config['tie_word_embeddings'] = true;
    });
    expect(plan.head.weight).toBe(HEAD);
    expect(outputConfig(plan.config)).toMatchObject({ tie_word_embeddings: false });
    expect(warnings).toEqual([expect.stringMatching(/lm_head.weight is not the embedding/)]);
  });

  test('beside a head that is their copy, in whatever dtype, are tied', async () => {
    const same = await open((model) => {
      put(model, { ...model.tensors.get(EMBEDDING)!, name: HEAD });
    }, 'llama_tied_bias');
    const wide = await open((model) => {
      const { shape, data } = model.tensors.get(EMBEDDING)!;
      const halves = f16ToF32Array(new Uint16Array(data.slice().buffer));
      put(model, { name: HEAD, dtype: 'F32', shape, data: new Uint8Array(halves.buffer as ArrayBuffer) });
    }, 'llama_tied_bias');
    for (const { plan, warnings } of [same, wide]) {
      expect(plan.head.weight).toBe(EMBEDDING);
      expect(plan.config.raw).toMatchObject({ tie_word_embeddings: true });
      expect(warnings).toEqual([]);
    }
  });

  test('differ from a head in its last value alone', async () => {
    const { plan } = await open((model) => {
      const { data, ...rest } = model.tensors.get(EMBEDDING)!;
      const changed = data.slice();
      changed[changed.length - 2]! ^= 1;
      put(model, { ...rest, name: HEAD, data: changed });
    }, 'llama_tied_bias');
    expect(plan.head.weight).toBe(HEAD);
  });

  test.each([
    [undefined, /as config.json has none.*the flag may be missing.*set "tie_word_embeddings": true/],
    [false, /is false in config.json.*the flag may be wrong.*set "tie_word_embeddings": true/],
  ])('with the flag %s and no head', async (flag, message) => {
    const opened = open((model) => {
      model.config['tie_word_embeddings'] = flag;
    }, 'llama_tied_bias');
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.toThrow(InputError);
  });
});

describe('a quantization_config', () => {
  const bnb = { quant_method: 'bitsandbytes', load_in_4bit: true };

  test.each([
    [bnb, 'bitsandbytes'],
    [{ bits: 4 }, 'unknown method'],
  ])('%j beside whole weights is stale', async (quantization, method) => {
    const directory = await oddModel((model) => {
      model.config['quantization_config'] = quantization;
    });
    const { plan, warnings } = await openModel(directory, {});
    expect(plan.config.raw).not.toHaveProperty('quantization_config');
    expect(warnings).toEqual([expect.stringContaining(`(quantization_config, ${method})`)]);
    expect((await openRunnableModel(directory)).quantization).toBeUndefined();
  });

  test.each([{}, null])('%j is none', async (quantization) => {
    const { warnings } = await open((model) => {
      model.config['quantization_config'] = quantization;
    });
    expect(warnings).toEqual([]);
  });

  test('beside weights that are not whole is true', async () => {
    const quantized: ((model: OddModel) => void)[] = [
      (model) => put(model, zeros('model.layers.0.mlp.up_proj.weight', 'U8', [8], 8)),
      (model) => rename(model, (name) => name.replace(/_proj.weight/, '_proj.qweight')),
      (model) => put(model, zeros('model.layers.0.mlp.up_proj.weight.absmax', 'F32', [2], 8)),
      (model) => void model.tensors.delete('model.layers.0.mlp.up_proj.weight'),
    ];
    for (const change of quantized) {
      const opened = open((model) => {
        model.config['quantization_config'] = bnb;
        change(model);
      });
      await expect(opened).rejects.toThrow(UnsupportedError);
      await expect(opened).rejects.toThrow(
        /already quantized \(config.json has quantization_config, bitsandbytes\)/,
      );
    }
  });

  test('that is stale hides no other fault', async () => {
    const opened = open((model) => {
      model.config['quantization_config'] = bnb;
      sharded(model);
      delete model.files['2.safetensors'];
    });
    await expect(opened).rejects.toThrow(/lacks 2.safetensors, named in/);
  });
});

describe('the index decides', () => {
  test('which of two tensors of a name is read', async () => {
    const { source } = await open((model) =>
      sharded(model, ([first, second]) => {
        const { data, ...rest } = second[0]!;
        first.push({ ...rest, data: data.map(() => 1) });
      }),
    );
    const name = source.names()[10]!;
    expect((await source.read(name)).data.some((byte) => byte !== 1)).toBe(true);
  });

  test('but names that the model does not need may be missing, with their shard', async () => {
    const { plan, warnings } = await open(
      (model) =>
        sharded(model, (_, map) => {
          map[HEAD] = '2.safetensors';
          map['model.layers.0.self_attn.rotary_emb.inv_freq'] = '1.safetensors';
          map['mtp.layers.0.mlp.up_proj.weight'] = '3.safetensors';
        }),
      'llama_tied_bias',
    );
    expect(plan.head.weight).toBe(EMBEDDING);
    expect(warnings).toEqual([]);
  });
});

describe('missing tensors are told by what is there in their place', () => {
  const prefixed = (prefix: string) => (model: OddModel) => rename(model, (name) => prefix + name);
  test.each<[string, (model: OddModel) => void, RegExp]>([
    [
      'GPTQ',
      (model) => {
        rename(model, (name) => name.replace(/_proj.weight/, '_proj.qweight'));
        put(model, zeros('model.layers.0.mlp.up_proj.g_idx', 'I32', [1], 4));
      },
      /already quantized: model.layers.0.mlp.up_proj.g_idx is a tensor of GPTQ/,
    ],
    [
      'AWQ',
      (model) => rename(model, (name) => name.replace(/_proj.weight/, '_proj.qweight')),
      /of GPTQ or AWQ/,
    ],
    ['EXL2', (model) => rename(model, (name) => name.replace(/_proj.weight/, '_proj.q_weight')), /of EXL2/],
    ['EXL3', (model) => rename(model, (name) => name.replace(/_proj.weight/, '_proj.trellis')), /of EXL3/],
    [
      'an adapter',
      (model) => rename(model, (name) => `base_model.model.${name.replace('weight', 'lora_A.weight')}`),
      /those of an adapter \(base_model.model.*lora_A.weight\).*merge it into its base model/,
    ],
    [
      'no beginning',
      (model) => rename(model, (name) => name.replace(/^model\./, '')),
      /lack the usual beginning "model." \(embed_tokens.weight, where LlamaForCausalLM has model.embed_tokens.weight\)/,
    ],
    [
      'PEFT',
      prefixed('base_model.model.'),
      /begin with "base_model.model." before the usual name \(base_model.model.model.embed_tokens.weight.*merge_and_unload/,
    ],
    [
      'DataParallel',
      prefixed('module.'),
      /begin with "module." before the usual name .*save model.module; or rename/,
    ],
    ['another wrapper', prefixed('student.'), /begin with "student." before the usual name .*: rename them/],
    [
      'another body',
      (model) => rename(model, (name) => name.replace(/^model\./, 'transformer.')),
      /begin with "transformer." in place of "model." \(transformer.embed_tokens.weight/,
    ],
    [
      'the original names',
      (model) => rename(model, (name) => name.replace(/model.embed_tokens/, 'tok_embeddings')),
      /names of Meta's or Mistral's own files \(tok_embeddings.weight\)/,
    ],
    [
      'fewer layers',
      (model) => {
        model.config['num_hidden_layers'] = 4;
      },
      /num_hidden_layers 4, the weights have layers 0 to 1 \(2\)/,
    ],
    [
      'fused linears',
      (model) => rename(model, (name) => name.replace(/\.q_proj/, '.qkv_proj')),
      /q_proj.weight \(128, 128\) is not in .*, nor are 1 others; the nearest names are .*self_attn.qkv_proj.weight/,
    ],
  ])('%s', async (_what, change, message) => {
    const opened = open(change);
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.not.toThrow(/shard missing/);
  });
});

test('F64 weights are told to be saved otherwise', async () => {
  const opened = open((model) => put(model, zeros('model.norm.weight', 'F64', [128], 1024)));
  await expect(opened).rejects.toThrow(/norm.weight has dtype F64; .*save it in BF16 or F32/);
  await expect(opened).rejects.toThrow(UnsupportedError);
});

describe('vocab_size', () => {
  const grow = (model: OddModel, name: string) =>
    put(model, { ...model.tensors.get(name)!, shape: [321, 128], data: new Uint8Array(321 * 256) });

  test('that is not the number of embeddings: both, and the usual cause', async () => {
    for (const size of [287, 400]) {
      const opened = open((model) => {
        model.config['vocab_size'] = size;
      });
      await expect(opened).rejects.toThrow(InputError);
      await expect(opened).rejects.toThrow(
        new RegExp(
          `vocab_size in config.json is ${size}, but the embedding .* has 320 rows: .*tokens were added`,
        ),
      );
    }
    const followed = open((model) => {
      for (const name of [EMBEDDING, HEAD]) grow(model, name);
      model.config['vocab_size'] = 321;
    });
    expect((await followed).plan.config.vocabSize).toBe(321);
  });

  test('of an embedding that is not as long as the head', async () => {
    await expect(open((model) => grow(model, EMBEDDING))).rejects.toThrow(
      /has 321 rows and the head .* 320; vocab_size in config.json is 320.*resize_token_embeddings/,
    );
  });
});

describe('tensors that compute, and that the architecture does not have', () => {
  const biased = (values: number) => (model: OddModel) => {
    const data = new Uint8Array(Float32Array.from({ length: 128 }, () => values).buffer);
    put(model, { name: 'model.layers.1.self_attn.q_proj.bias', dtype: 'F32', shape: [128], data });
  };

  test('are refused by name', async () => {
    const changes: [(model: OddModel) => void, string][] = [
      [biased(0.5), 'model.layers.1.self_attn.q_proj.bias'],
      [(model) => put(model, zeros('model.layers.0.self_attn.q_norm.weight', 'F32', [32], 128)), 'q_norm'],
      [
        (model) => put(model, zeros('model.layers.0.post_feedforward_layernorm.weight', 'F32', [1], 4)),
        'post_f',
      ],
      [(model) => put(model, zeros('model.layers.0.self_attn.sinks', 'F32', [4], 16)), 'self_attn.sinks'],
    ];
    for (const [change, name] of changes) {
      const opened = open(change);
      await expect(opened).rejects.toThrow(UnsupportedError);
      await expect(opened).rejects.toThrow(name);
    }
  });

  test('are none when they are zero, behind the last layer, or buffers', async () => {
    const { warnings } = await open((model) => {
      biased(0)(model);
      put(model, zeros('model.layers.2.self_attn.q_norm.weight', 'F32', [32], 128));
      put(model, zeros('model.layers.0.self_attn.rotary_emb.inv_freq', 'F32', [16], 64));
    });
    expect(warnings).toEqual([
      expect.stringMatching(
        /has no use for 2 of the tensors; .*: model.layers.1.self_attn.q_proj.bias, model.layers.2/,
      ),
    ]);
  });
});

test('what will not be in the output is told: tensors of unknown dtypes, files that are pointers', async () => {
  const { warnings } = await open((model) => {
    model.files['tokenizer.model'] = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n';
    const tensors = [...model.tensors.values(), zeros('freqs_cis', 'F64', [4], 32)];
    model.tensors.clear();
    const bytes = Buffer.from(safetensorsOf(tensors));
    model.files['model.safetensors'] = Buffer.from(
      bytes.toString('latin1').replace('"F64"', '"C64"'),
      'latin1',
    );
  });
  expect(warnings).toEqual([
    expect.stringMatching(/no use for 1 of the tensors; .*: freqs_cis$/),
    expect.stringMatching(/git-lfs pointers in place of tokenizer.model/),
  ]);
});

test('a window that the architecture does not use is told', async () => {
  const windowed = (changes: object) => open((model) => void Object.assign(model.config, changes));
  expect((await windowed({ sliding_window: 24 })).warnings).toEqual([
    expect.stringMatching(/sliding_window 24/),
  ]);
  for (const changes of [{ sliding_window: null }, { sliding_window: 256 }])
    expect((await windowed(changes)).warnings).toEqual([]);
});

test.each(['tokenizer.json', 'tokenizer_config.json', 'generation_config.json'])(
  'a damaged %s is found when the model is opened',
  async (path) => {
    const opened = open((model) => {
      model.files[path] = '{"a":';
    });
    await expect(opened).rejects.toThrow(`model/${path} is not valid JSON`);
  },
);
