/** Computes what the page's lessons show, on the CPU, from the bundled model. */

import { expose } from 'comlink';
import { allocate, budgetBits } from '../src/allocate/allocate.ts';
import { allocationModules } from '../src/learn/data/share.ts';
import type { StoredMeasurement } from '../src/learn/data/stored-lessons.ts';
import type { TrapPoint } from '../src/learn/data/trap-data.ts';
import { Lesson } from '../src/learn/lesson.ts';
import { InputError } from '../src/util/errors.ts';
import type { LearnApi } from './api/learn.ts';
import { rangedDemoModel } from './demo-model.ts';
import { pageAddress } from './page-address.ts';
import { calibrationMix } from './places.ts';

/** What `make` gives, made when it is first asked for; again after a failure. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    made.catch(() => {
      made = undefined;
    });
    return made;
  };
}

const lesson = once(() => Lesson.open(rangedDemoModel));

async function stored<T>(name: string): Promise<T> {
  const url = pageAddress(`lessons/${name}`);
  const response = await fetch(url).catch(() => undefined);
  if (response?.ok) return response.json();
  throw new InputError(`Cannot fetch the lesson's data from ${url}. Check the connection, then try again.`);
}

const measurement = once(() => stored<StoredMeasurement>('measurement.json'));

const api: LearnApi = {
  read: async (text) => (await lesson()).read(text),
  ruler: async (bits, groupSize) => (await lesson()).ruler(bits, groupSize),
  async sweep(text, settings) {
    const opened = await lesson();
    return opened.sweep(opened.read(text), settings);
  },
  async trap(onCurve) {
    const [opened, mix] = await Promise.all([lesson(), calibrationMix()]);
    let rounding = 0;
    const points: TrapPoint[] = [];
    const curve = opened.trap(mix, (error) => {
      rounding = error;
    });
    for (const point of curve) {
      points.push(point);
      await onCurve({ rounding, points });
    }
  },
  measurement,
  async share(bits) {
    const modules = allocationModules(await measurement());
    return allocate(modules, budgetBits(modules, bits)).choice;
  },
  outputs: once(() => stored('outputs.json')),
};

expose(api);
